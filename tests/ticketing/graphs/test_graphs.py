"""ticketing.graphs: graphs compute what the network does for batches of any size, and tell nothing of their maker."""

import io
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from torch import nn

from ticketing.channels import channels_of
from ticketing.channels.slimming import slim_module, slim_state
from ticketing.errors import VerificationError
from ticketing.graphs.onnx import as_onnx, onnx_runner
from ticketing.graphs.parity import parity
from ticketing.graphs.pt2 import as_pt2, weights_of
from ticketing.graphs.tracing import examples, trace
from ticketing.sparse import same_bits
from ticketing.subject import Subject, placed, state_of

ARCHITECTURES = ["resnet-20", "mobilenet-v2", "vit-tiny", "gpt"]
"""Padded shortcuts, depthwise convolutions, attention, attention over tokens."""


def network_of(subject: Subject, *, seed: int = 1) -> nn.Module:
    """Give the network with norms that do something, so that folding them is no identity."""
    generator = torch.Generator().manual_seed(seed)
    state = {
        name: torch.rand(tensor.shape, generator=generator) + 0.5 if "running" in name or ".bn" in name else tensor
        for name, tensor in subject.initial_state.items()
    }
    return placed(subject.module, state | _counters(subject), device="cpu").eval()


def _counters(subject: Subject) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in subject.initial_state.items() if name.endswith("num_batches_tracked")}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def made(
    request: pytest.FixtureRequest, make_subject: Callable[..., Subject], tiny_arguments: Callable[[str], Any]
) -> tuple[nn.Module, Any, bytes, bytes]:
    """Give a small network, its inventory, and both of its graphs."""
    subject = make_subject(request.param, **tiny_arguments(request.param))
    network = network_of(subject)
    program = trace(network, subject.inventory)
    return network, subject.inventory, as_onnx(program), as_pt2(program)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_both_compute_what_the_network_does_at_every_batch_size(made: Any, count: int) -> None:
    network, inventory, onnx_bytes, pt2_bytes = made
    x = examples(inventory, count, seed=count)
    with torch.inference_mode():
        expected = network(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = torch.export.load(io.BytesIO(pt2_bytes))  # our own: of others this could run code
    assert torch.equal(loaded.module()(x), expected)
    torch.testing.assert_close(onnx_runner(onnx_bytes, threads=1)(x), expected, rtol=1e-4, atol=1e-5)


def test_an_archive_holds_the_state_dict_bit_for_bit(made: Any) -> None:
    network, _, _, pt2_bytes = made
    assert same_bits(weights_of(pt2_bytes), state_of(network))


def test_they_tell_nothing_of_where_they_were_made(made: Any) -> None:
    here = re.escape(str(Path(__file__).parents[3]).encode())
    for graph in made[2:]:
        assert not re.search(rb"/ticketing/|site-packages|\.py:|File \"|%s" % here, graph)
    model = onnx.load_model_from_string(made[2])
    onnx.checker.check_model(model, full_check=True)
    parts = (model, model.graph, *model.graph.node, *model.graph.initializer)
    assert not any(part.metadata_props or part.doc_string for part in parts)
    assert [value.name for value in (*model.graph.input, *model.graph.output)] == ["input", "logits"]
    for value in (*model.graph.input, *model.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_a_slim_network_is_exported_by_the_inventory_of_the_whole(make_subject: Any) -> None:
    subject = make_subject("resnet-20", in_channels=1, input_size=[8, 8], classes=3)
    channels = channels_of(subject.module, subject.inventory)
    kept = torch.arange(channels.count) % 2 == 0
    slim = placed(
        slim_module(subject.module, channels, kept), slim_state(subject.initial_state, channels, kept), device="cpu"
    ).eval()
    graph = as_onnx(trace(slim, subject.inventory))
    x = examples(subject.inventory, 5)
    found = parity(slim, onnx_runner(graph, threads=1), x, name="slim.onnx")
    assert (found.examples, found.largest_difference <= found.tolerance) == (5, True)
    with pytest.raises(VerificationError, match=r"slim\.onnx: expected the logits of the network within"):
        parity(slim, lambda x: onnx_runner(graph, threads=1)(x + 1), x, name="slim.onnx")


@pytest.mark.parametrize("wrong", [lambda logits: logits * torch.nan, lambda logits: logits[:-1]])
def test_logits_that_are_none_or_too_few_are_no_parity(wrong: Callable[[Any], Any], make_subject: Any) -> None:
    subject = make_subject()
    network = placed(subject.module, subject.initial_state, device="cpu").eval()
    x = examples(subject.inventory, 4)
    with pytest.raises(VerificationError, match="difference of nan"):
        parity(network, lambda x: wrong(network(x)), x, name="model.pt2")

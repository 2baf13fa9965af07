"""ticketing.channels on the whole zoo: the slim network is the masked one, narrower."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ticketing.architectures import ARCHITECTURES, Inventory, arguments_for, inventory
from ticketing.channels import Channels, channels_of
from ticketing.channels.sets import sets_of
from ticketing.channels.slimming import (
    grown_state,
    kept_of,
    slim_inventory,
    slim_module,
    slim_state,
    weight_mask,
    without,
)
from ticketing.folder import ModelSpec
from ticketing.ladder.channels import entries_left
from ticketing.models import build
from ticketing.sparse import same_bits
from ticketing.subject import initialise, placed

TinyArguments = Callable[[str], dict[str, Any]]
State = dict[str, Tensor]
every_architecture = pytest.mark.parametrize("name", list(ARCHITECTURES))


@cache
def found(name: str, give: TinyArguments) -> tuple[nn.Module, Inventory, Channels]:
    arguments = give(name)
    listed = inventory(name, arguments_for(name, arguments))
    module = build(ModelSpec(architecture=name, arguments=listed.arguments))
    return module, listed, channels_of(module, listed)


def lived_in(listed: Inventory, generator: torch.Generator) -> State:
    """Draw a state in which nothing is at rest: biases, scales, shifts and statistics too."""

    def drawn(name: str, tensor: Tensor) -> Tensor:
        if tensor.dtype == torch.int64:
            return tensor + 7
        noise = torch.randn(tensor.shape, generator=generator) / 8
        return (tensor + noise).abs() if name.endswith(".running_var") else tensor + noise

    return {name: drawn(name, tensor) for name, tensor in initialise(listed, 1).items()}


def some(channels: Channels, generator: torch.Generator) -> Tensor:
    """Draw which channels stay, one at least wherever there is any."""
    kept = torch.rand(channels.count, generator=generator) < 0.6
    for along in channels.axes.values():
        if bool((along >= 0).all()) and not bool(kept[along].any()):
            kept[along[0]] = True
    return kept


def inputs(listed: Inventory, generator: torch.Generator) -> Tensor:
    if listed.task == "next_token":
        return torch.randint(listed.classes, (3, *listed.input_shape), generator=generator)
    return torch.randn(3, *listed.input_shape, generator=generator)


def logits(module: nn.Module, state: State, x: Tensor) -> Tensor:
    """Compute in double: how sums are ordered is then below the last bit of a float."""
    double = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    with torch.no_grad():
        made: Tensor = placed(module, double, device="cpu").eval()(x.double() if x.is_floating_point() else x)
    return made.float()


@every_architecture
def test_slim_equals_masked_and_its_inventory_is_its_state(name: str, tiny_arguments: TinyArguments) -> None:
    slim_is_masked(*found(name, tiny_arguments))


@pytest.mark.parametrize("name", ["resnet-18", "resnet-50", "mobilenet-v2"])
def test_so_it_is_with_the_stem_for_large_images(name: str) -> None:
    slim_is_masked(*found(name, lambda _: {"in_channels": 3, "input_size": [32, 32], "classes": 3, "stem": "imagenet"}))


def slim_is_masked(module: nn.Module, listed: Inventory, channels: Channels) -> None:
    generator = torch.Generator().manual_seed(2)
    kept = some(channels, generator)
    state, x = lived_in(listed, generator), inputs(listed, generator)
    slim, narrow = slim_module(module, channels, kept), slim_state(state, channels, kept)
    narrower = slim_inventory(listed, channels, kept)
    assert {key: tuple(t.shape) for key, t in slim.state_dict().items()} == {
        key: entry.shape for key, entry in narrower.state.items()
    }
    assert narrower.parameters_total < listed.parameters_total
    assert narrower.multiply_adds < listed.multiply_adds
    masked = logits(module, without(state, channels, kept), x)
    assert torch.equal(logits(slim, narrow, x), masked)
    assert not torch.equal(masked, logits(module, state, x))
    grown = grown_state(narrow, state, channels, kept)
    assert same_bits(slim_state(grown, channels, kept), narrow)
    assert torch.equal(logits(module, grown, x), masked)


@every_architecture
def test_nothing_removed_is_the_same_network(name: str, tiny_arguments: TinyArguments) -> None:
    _, listed, channels = found(name, tiny_arguments)
    kept = torch.ones(channels.count, dtype=torch.bool)
    state = initialise(listed, 0)
    assert same_bits(slim_state(state, channels, kept), state)
    assert same_bits(without(state, channels, kept), state)
    assert slim_inventory(listed, channels, kept) == listed


@every_architecture
def test_a_mask_says_its_channels_and_their_sets_its_counts(name: str, tiny_arguments: TinyArguments) -> None:
    _, listed, channels = found(name, tiny_arguments)
    kept, shapes = some(channels, torch.Generator().manual_seed(3)), {of.parameter: of.weight for of in listed.prunable}
    mask, sets = weight_mask(channels, kept, shapes), sets_of(channels)
    assert torch.equal(kept_of(channels, mask), kept)
    assert sorted(channel for alike in sets.sets for channel in alike.channels) == list(range(channels.count))
    counts = tuple(int(kept[list(alike.channels)].sum()) for alike in sets.sets)
    assert entries_left(listed, sets, counts) == mask.counts()
    narrow = slim_inventory(listed, channels, kept)
    assert {layer.parameter: layer.entries for layer in narrow.prunable} == mask.counts()


@every_architecture
def test_the_outputs_stay_and_what_a_layer_norm_reads_and_nothing_else(
    name: str, tiny_arguments: TinyArguments
) -> None:
    _, listed, channels = found(name, tiny_arguments)
    reasons = set(channels.stays.values())
    if any(layer.kind == "layer_norm" for layer in listed.layers):
        assert all("norms over them" in why or why == "its outputs are the network's" for why in reasons)
        kinds = {layer.kind for layer in listed.layers if layer.parameter not in channels.stays}
        assert kinds == {"attention", "linear"}
    else:
        assert list(channels.stays) == [layer.parameter for layer in listed.layers if layer.role == "output"]
        assert reasons == {"its outputs are the network's"}

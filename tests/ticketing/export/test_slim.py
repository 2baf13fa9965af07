"""ticketing.export.slim: its two files hold all that makes a whole module slim, and agree or are refused."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.channels import Channels, channels_of
from ticketing.channels.slimming import slim_inventory, slim_module, slim_state
from ticketing.errors import VerificationError
from ticketing.export.slim import read_slim, write_slim
from ticketing.folder import ModelSpec
from ticketing.models import build
from ticketing.sparse import same_bits
from ticketing.subject import initialise, placed
from winnow import numpy as arrays
from winnow.torch import load_slim

TinyArguments = Callable[[str], dict[str, Any]]
ABOUT = {"architecture": "mlp", "inputs": {"mean": [1.0, 2.0], "std": [1.0, 2.0]}}
FAMILIES = (
    "mlp", "lenet-5", "conv-2", "resnet-20", "resnet-18", "preresnet-56", "wide-resnet", "vgg-11-bn", "mobilenet-v2",
    "vit-tiny", "gpt",
)  # fmt: skip
"""One network of every kind that the zoo builds."""


@dataclass
class Made:
    """A network, some of its channels, and the folder of the slim ticket they make."""

    module: nn.Module
    listed: Inventory
    channels: Channels
    kept: Tensor
    state: dict[str, Tensor]
    folder: Path

    @property
    def slim(self) -> dict[str, Tensor]:
        return slim_state(self.state, self.channels, self.kept)

    def write(self, folder: Path) -> dict[str, int]:
        return write_slim(folder, self.slim, self.channels, self.kept, inventory=self.listed, about=ABOUT)


def made(name: str, arguments: dict[str, Any], folder: Path, kept: Tensor | None = None) -> Made:
    """Write the slim ticket of a network of which about half the channels stay, one at least wherever there is any."""
    listed = inventory(name, arguments_for(name, arguments))
    module = build(ModelSpec(architecture=name, arguments=listed.arguments))
    channels = channels_of(module, listed)
    if kept is None:
        kept = torch.rand(channels.count, generator=torch.Generator().manual_seed(1)) < 0.6
        for along in channels.axes.values():
            if bool((along >= 0).all()) and not bool(kept[along].any()):
                kept[along[0]] = True
    state = _lived_in(initialise(listed, 0))
    network = Made(module, listed, channels, kept, state, folder)
    network.write(folder)
    return network


def _lived_in(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Move everything, so that no bias, scale or statistic is at rest."""
    generator = torch.Generator().manual_seed(2)
    moved = {key: tensor + torch.randn(tensor.shape, generator=generator) / 8 for key, tensor in state.items()}
    return {
        key: state[key] + 7 if state[key].dtype == torch.int64 else value.abs() if key.endswith("_var") else value
        for key, value in moved.items()
    }


@pytest.fixture(scope="module", params=FAMILIES)
def network(
    request: pytest.FixtureRequest, tiny_arguments: TinyArguments, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    return made(request.param, tiny_arguments(request.param), tmp_path_factory.mktemp("slim"))


@pytest.fixture
def perceptron(tmp_path: Path) -> Made:
    """Two inputs, three hidden units of which the second goes, two classes."""
    arguments = {"in_features": 2, "hidden": [3], "classes": 2}
    return made("mlp", arguments, tmp_path / "slim", torch.tensor([True, False, True]))


def test_the_document_of_a_small_network_by_hand(perceptron: Made) -> None:
    assert json.loads((perceptron.folder / "slim.json").read_text()) == {
        "format": "winnow/slim",
        "version": 1,
        "tensors": {
            "fc1.weight": {"whole": [3, 2], "kept": {"0": [0, 2]}},
            "fc1.bias": {"whole": [3], "kept": {"0": [0, 2]}},
            "fc2.weight": {"whole": [2, 3], "kept": {"1": [0, 2]}},
            "fc2.bias": {"whole": [2], "kept": {}},
        },
        "layers": {
            "fc1.weight": {"axis": 0, "whole": 3, "slim": 2},
            "fc2.weight": {"axis": 0, "whole": 2, "slim": 2, "stays": "its outputs are the network's"},
        },
        "heads": {},
        "pads": {},
        "parameters": {"whole": 17, "slim": 12},
        "multiply_adds": {"whole": 12, "slim": 8},
    }


def test_the_metadata_says_what_the_file_is_and_how_inputs_are_normalised(perceptron: Made) -> None:
    path = perceptron.folder / "slim.safetensors"
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
    assert list(metadata) == ["winnow"]
    assert json.loads(metadata["winnow"]) == {
        "format": "winnow/slim",
        "version": 1,
        "shapes": {"fc1.weight": [2, 2], "fc1.bias": [2], "fc2.weight": [2, 2], "fc2.bias": [2]},
        "whole_shapes": {"fc1.weight": [3, 2], "fc1.bias": [3], "fc2.weight": [2, 3], "fc2.bias": [2]},
        **ABOUT,
    }
    assert arrays.normalised(np.array([[3, 4]]), path).tolist() == [[2.0, 1.0]]


def test_files_read_back_and_their_indices_take_the_slim_state_of_the_whole(network: Made) -> None:
    state, slim = read_slim(network.folder)
    assert list(state) == list(network.listed.state)
    assert same_bits(state, network.slim)
    for key, whole in network.state.items():
        taken = whole.numpy()
        for axis, indices in slim.tensors[key].kept.items():
            taken = taken.take(indices, axis)
        assert np.array_equal(taken, state[key].numpy())
    narrow = slim_inventory(network.listed, network.channels, network.kept)
    assert (slim.parameters.whole, slim.parameters.slim) == (network.listed.parameters_total, narrow.parameters_total)
    assert (slim.multiply_adds.whole, slim.multiply_adds.slim) == (network.listed.multiply_adds, narrow.multiply_adds)
    weights = {layer.parameter: layer.weight[layer.output_axis] for layer in narrow.prunable}
    assert {key: outputs.slim for key, outputs in slim.layers.items()} == weights
    assert {key: outputs.stays for key, outputs in slim.layers.items() if outputs.stays} == {
        key: why for key, why in network.channels.stays.items() if key in weights
    }
    numpy_state, numpy_slim = arrays.read_slim(network.folder)
    assert numpy_slim == slim
    assert same_bits({key: torch.from_numpy(value) for key, value in numpy_state.items()}, state)


def test_a_whole_module_becomes_the_slim_one_to_the_last_bit(network: Made) -> None:
    narrow = slim_module(network.module, network.channels, network.kept)
    slim = placed(narrow, network.slim, device="cpu").eval()
    loaded = placed(network.module, network.state, device="cpu").eval()
    load_slim(loaded, network.folder)
    assert _integers(loaded) == _integers(slim) != _integers(network.module)
    strides = {key: tensor.stride() for key, tensor in slim.state_dict().items()}
    assert {key: tensor.stride() for key, tensor in loaded.state_dict().items()} == strides
    x = torch.randn(3, *network.listed.input_shape, generator=torch.Generator().manual_seed(3))
    if network.listed.task == "next_token":
        x = x.abs().long() % network.listed.classes
    with torch.no_grad():
        logits = slim(x)
        assert logits.isfinite().all()
        assert logits.std() > 0
        assert torch.equal(loaded(x), logits)


def _integers(module: nn.Module) -> dict[str, int]:
    return {
        f"{name}.{attribute}": value
        for name, part in module.named_modules()
        for attribute, value in vars(part).items()
        if type(value) is int
    }


def test_heads_and_pads_are_told_with_their_numbers_in_the_whole_network(
    tiny_arguments: TinyArguments, tmp_path: Path
) -> None:
    arguments = tiny_arguments("gpt")
    network = made("gpt", arguments, tmp_path / "gpt")
    kept = torch.ones_like(network.kept)
    kept[network.channels.heads["transformer.h.0.attn"][0]] = False
    heads = made("gpt", arguments, tmp_path / "second", kept)
    assert read_slim(heads.folder)[1].heads["transformer.h.0.attn"].model_dump() == {"whole": 2, "kept": [1]}

    whole = made("resnet-20", tiny_arguments("resnet-20"), tmp_path / "resnet")
    pad = whole.channels.pads["layer2.0.downsample"]
    kept = torch.ones_like(whole.kept)
    kept[pad.before[:3]] = kept[pad.behind[:1]] = False
    shortcut = made("resnet-20", tiny_arguments("resnet-20"), tmp_path / "padded", kept)
    assert read_slim(shortcut.folder)[1].pads["layer2.0.downsample"].model_dump() == {
        "before": {"whole": 8, "slim": 5},
        "behind": {"whole": 8, "slim": 7},
    }


def test_the_same_slim_network_makes_the_same_bytes(perceptron: Made, tmp_path: Path) -> None:
    perceptron.write(tmp_path / "again")
    for name in ("slim.safetensors", "slim.json"):
        assert (tmp_path / "again" / name).read_bytes() == (perceptron.folder / name).read_bytes()


def test_a_state_of_another_network_is_not_written(perceptron: Made, tmp_path: Path) -> None:
    channels, kept, listed = perceptron.channels, perceptron.kept, perceptron.listed
    with pytest.raises(VerificationError, match=r"fc1\.weight: expected \[2, 2\], got \[3, 2\]"):
        write_slim(tmp_path / "no", perceptron.state, channels, kept, inventory=listed, about=ABOUT)
    assert not (tmp_path / "no").exists()


def refused(folder: Path) -> str:
    """Give what is said of damaged files, the same by both readers."""
    said = []
    for read in (read_slim, arrays.read_slim):
        with pytest.raises(VerificationError) as error:
            read(folder)
        said.append(str(error.value))
    assert said[0] == said[1]
    return said[0]


def put(value: Any, *path: str) -> Callable[[dict[str, Any]], None]:
    """Make a change of a document: another value at a path."""

    def change(document: dict[str, Any]) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put({"0": [0, 3]}, "tensors", "fc1.weight", "kept"), "fc1.weight: expected indices below 3, got 3"),
        (put({"0": [2, 0]}, "tensors", "fc1.weight", "kept"), "fc1.weight: expected indices that rise, got [2, 0]"),
        (put({"0": [0, 0]}, "tensors", "fc1.weight", "kept"), "fc1.weight: expected indices that rise, got [0, 0]"),
        (put({"0": [-1, 2]}, "tensors", "fc1.weight", "kept"), "fc1.weight.kept.0.0: Input should be greater than or"),
        (put({"0": [0, True]}, "tensors", "fc1.weight", "kept"), "fc1.weight.kept.0.1: Input should be a valid int"),
        (put({"2": [0]}, "tensors", "fc1.weight", "kept"), "fc1.weight: expected axes of [3, 2], got axis 2"),
        (put({"1": [0, 1]}, "tensors", "fc1.weight", "kept"), "got axis 1, which is whole"),
        (put({}, "tensors", "fc1.weight", "kept"), "tensors, fc1.weight: expected [3, 2], got [2, 2]"),
        (put({"1": [1]}, "tensors", "fc1.weight", "kept"), "tensors, fc1.weight: expected [3, 1], got [2, 2]"),
        (put([4, 2], "tensors", "fc1.weight", "whole"), "whole_shapes, fc1.weight: expected [4, 2], got [3, 2]"),
        (put({"whole": [1]}, "tensors", "more"), "tensors: expected what slim.json lists, but these differ: ['more']"),
        (put(3, "layers", "fc1.weight", "slim"), "channels of fc1.weight: expected (3, 2), got (3, 3)"),
        (put(4, "layers", "fc1.weight", "slim"), "fc1.weight: expected at most 3, which the whole network has, got 4"),
        (put(2, "layers", "fc1.weight", "axis"), "expected weights of the network, got fc1.weight axis 2"),
        (put({"axis": 0, "whole": 1, "slim": 1}, "layers", "more"), "expected weights of the network, got more axis 0"),
        (put(11, "parameters", "slim"), "parameters: expected (17, 12), got (17, 11)"),
        (put({"attn": {"whole": 2, "kept": [2]}}, "heads"), "heads.attn: expected indices below 2, got 2"),
        (put(2, "version"), "version: Input should be 1"),
        (put("winnow/mask", "format"), "format: Input should be 'winnow/slim'"),
        (put(1, "more"), "more: Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_or_is_of_another_network_is_refused(
    perceptron: Made, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    path = perceptron.folder / "slim.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    assert said in refused(perceptron.folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put(2, "version"), "slim.safetensors, version: expected 1, got 2"),
        (put("winnow/mask", "format"), "slim.safetensors, format: expected winnow/slim, got winnow/mask"),
        (put([3, 2], "shapes", "fc1.weight"), "shapes, fc1.weight: expected [2, 2], got [3, 2]"),
        (put([2, 2], "whole_shapes", "fc1.weight"), "whole_shapes, fc1.weight: expected [3, 2], got [2, 2]"),
        (put({}, "whole_shapes"), "whole_shapes: expected what slim.json lists"),
        (put(None, "whole_shapes"), "expected its metadata to say whole_shapes, got None"),
    ],
)
def test_metadata_of_another_network_is_refused(
    perceptron: Made, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    path = perceptron.folder / "slim.safetensors"
    with safe_open(path, framework="np") as file:
        layout = json.loads(file.metadata()["winnow"])
    change(layout)
    save_file(load_file(path), path, {"winnow": json.dumps(layout)})
    assert said in refused(perceptron.folder)


def test_tensors_of_another_network_are_refused(perceptron: Made, tmp_path: Path) -> None:
    path, tensors = perceptron.folder / "slim.safetensors", perceptron.slim
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
    save_file({**tensors, "fc2.bias": torch.zeros(3)}, path, metadata)
    assert "tensors, fc2.bias: expected [2], got [3]" in refused(perceptron.folder)
    del tensors["fc2.bias"]
    save_file(tensors, path, metadata)
    assert "these differ: ['fc2.bias']" in refused(perceptron.folder)


@pytest.mark.parametrize("name", ["slim.safetensors", "slim.json"])
def test_a_file_that_is_missing_cut_or_no_file_of_ours_is_refused(perceptron: Made, name: str) -> None:
    path = perceptron.folder / name
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"[]"):
        path.write_bytes(damaged)
        for read in (read_slim, arrays.read_slim):
            with pytest.raises(VerificationError, match=name):
                read(perceptron.folder)
    path.unlink()
    for read in (read_slim, arrays.read_slim):
        with pytest.raises(VerificationError, match=name):
            read(perceptron.folder)

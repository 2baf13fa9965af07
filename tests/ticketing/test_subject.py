"""ticketing.subject: weights drawn or read exactly, and never shared between copies."""

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ticketing.architectures import ARCHITECTURES, arguments_for, inventory
from ticketing.errors import ModelError
from ticketing.folder import ModelSpec
from ticketing.subject import Subject, initialise, load_subject, placed, redraw, state_of

MakeSubject = Callable[..., Subject]
every_architecture = pytest.mark.parametrize("name", list(ARCHITECTURES))
# Those of more than 5 million parameters are made of the same layers, and take seconds to draw.
every_small_architecture = pytest.mark.parametrize(
    "name", [name for name in ARCHITECTURES if inventory(name, arguments_for(name, {})).parameters_total < 5_000_000]
)
RESNET = {"in_channels": 1, "input_size": [8, 8], "classes": 3}


def spec_of(subject: Subject) -> ModelSpec:
    return ModelSpec(architecture=subject.spec.architecture, arguments=subject.spec.arguments)


@every_small_architecture
def test_the_same_seed_draws_the_same_bits_and_another_seed_others(name: str) -> None:
    listed = inventory(name, arguments_for(name, {}))
    one, same, other = (initialise(listed, seed) for seed in (3, 3, 4))
    weights = [layer.parameter for layer in listed.prunable]
    assert all(torch.equal(one[key], same[key]) for key in listed.state)
    assert not any(torch.equal(one[key], other[key]) for key in weights)


@every_small_architecture
def test_drawing_leaves_the_ambient_generator_alone(name: str) -> None:
    before = torch.random.get_rng_state()
    load_subject(ModelSpec(architecture=name, arguments=arguments_for(name, {}), seed=0))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("mlp", "83dde27928542b1ed041369ce4e59f0029a34c950e8b829a97767d3c858fb984"),
        ("lenet-300-100", "83dde27928542b1ed041369ce4e59f0029a34c950e8b829a97767d3c858fb984"),
        ("conv-2", "8d06ca64743ec2faa73f63fe211966d2c44c0455b9527a1cbf77eba0b1c8a0f8"),
        ("resnet-20", "67de96a9b109da1e655d2b6668f02f9ccc8885540d79976be75a21cbf0061e90"),
    ],
)
def test_a_seed_means_the_same_weights_as_ever(name: str, digest: str) -> None:
    # Of names and bytes, in order. A processor without AVX2 may draw other last bits.
    hashed = hashlib.sha256()
    for key, tensor in initialise(inventory(name, arguments_for(name, {})), 0).items():
        hashed.update(key.encode() + tensor.numpy().tobytes())
    assert hashed.hexdigest() == digest


def test_a_depthwise_convolution_has_the_deviation_torch_gives_it() -> None:
    drawn = initialise(inventory("mobilenet-v2", arguments_for("mobilenet-v2", {})), 0)
    weight = drawn["features.17.conv.1.0.weight"]
    fan_out = nn.init._calculate_fan_in_and_fan_out(weight)[1]
    assert (tuple(weight.shape), fan_out) == ((960, 1, 3, 3), 960 * 9)
    assert weight.std().item() == pytest.approx(math.sqrt(2 / fan_out), rel=0.02)


def test_glorot_weights_have_glorots_deviation() -> None:
    drawn = initialise(inventory("lenet-300-100", arguments_for("lenet-300-100", {})), 0)
    assert drawn["fc1.weight"].std().item() == pytest.approx(math.sqrt(2 / (784 + 300)), rel=0.01)


def test_kaiming_weights_have_kaimings_deviation() -> None:
    drawn = initialise(inventory("resnet-20", arguments_for("resnet-20", {})), 0)
    assert drawn["layer3.1.conv1.weight"].std().item() == pytest.approx(math.sqrt(2 / (64 * 9)), rel=0.02)
    assert drawn["fc.weight"].std().item() == pytest.approx(math.sqrt(2 / 64), rel=0.1)


@every_small_architecture
def test_what_is_not_drawn_is_at_rest(name: str) -> None:
    listed = inventory(name, arguments_for(name, {}))
    drawn = initialise(listed, 0)
    assert list(drawn) == list(listed.state)
    for layer in listed.layers:
        if layer.bias:
            assert drawn[f"{layer.name}.bias"].eq(0).all()
        if layer.kind == "norm":
            assert drawn[f"{layer.name}.weight"].eq(1).all()
            assert drawn[f"{layer.name}.running_mean"].eq(0).all()
            assert drawn[f"{layer.name}.running_var"].eq(1).all()
            assert drawn[f"{layer.name}.num_batches_tracked"] == 0


def test_a_fresh_draw_forgets_the_norms_statistics(make_subject: MakeSubject) -> None:
    subject = make_subject("resnet-20", **RESNET)
    subject.initial_state["bn1.running_mean"].fill_(7)
    assert redraw(subject, 1)["bn1.running_mean"].eq(0).all()


def test_uploaded_weights_are_read_to_the_bit(make_subject: MakeSubject, tmp_path: Path) -> None:
    made = make_subject("resnet-20", **RESNET)
    save_file(made.initial_state, tmp_path / "m")
    read = load_subject(spec_of(made), model_file=tmp_path / "m")
    assert read.uploaded
    assert list(read.initial_state) == list(made.initial_state)
    assert all(torch.equal(read.initial_state[key], made.initial_state[key]) for key in made.initial_state)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_weight_that_is_no_number_is_refused_by_name(make_subject: MakeSubject, tmp_path: Path, bad: float) -> None:
    made = make_subject()
    state = {key: tensor.clone() for key, tensor in made.initial_state.items()}
    state["fc2.weight"][3, 1] = state["fc3.bias"][0] = bad
    save_file(state, tmp_path / "m")
    with pytest.raises(ModelError, match=rf"fc2\.weight: expected finite values, got 1 others, the first {bad}"):
        load_subject(spec_of(made), model_file=tmp_path / "m")


def test_a_negative_variance_is_refused_by_name(make_subject: MakeSubject, tmp_path: Path) -> None:
    made = make_subject("resnet-20", **RESNET)
    made.initial_state["layer1.0.bn1.running_var"][2] = -1
    save_file(made.initial_state, tmp_path / "m")
    with pytest.raises(ModelError, match=r"layer1\.0\.bn1\.running_var: expected variances"):
        load_subject(spec_of(made), model_file=tmp_path / "m")


def test_another_networks_weights_are_refused(make_subject: MakeSubject, tmp_path: Path) -> None:
    save_file(make_subject(in_features=8, hidden=[16], classes=3).initial_state, tmp_path / "m")
    with pytest.raises(ModelError, match=r"fc3\.weight: expected F32 \[3, 12\], got nothing"):
        load_subject(spec_of(make_subject()), model_file=tmp_path / "m")


def test_neither_weights_nor_a_seed_is_refused(make_subject: MakeSubject) -> None:
    with pytest.raises(ModelError, match="neither"):
        load_subject(spec_of(make_subject()))


@every_small_architecture
def test_a_placed_copy_has_the_state_and_shares_none_of_it(
    make_subject: MakeSubject, tiny_arguments: Callable[[str], dict[str, Any]], name: str
) -> None:
    subject = make_subject(name, **tiny_arguments(name))
    network = placed(subject.module, subject.initial_state, device="cpu")
    before = state_of(network)
    assert all(torch.equal(before[key], subject.initial_state[key]) for key in before)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.fill_(5)
    assert all(torch.equal(before[key], subject.initial_state[key]) for key in before)
    assert next(subject.module.parameters()).device.type == "meta"


def test_convolution_weights_lie_channels_last_and_come_home_contiguous(make_subject: MakeSubject) -> None:
    subject = make_subject("resnet-20", **RESNET)
    network = placed(subject.module, subject.initial_state, device="cpu")
    weight = network.state_dict()["layer1.0.conv1.weight"]
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not weight.is_contiguous()
    assert all(tensor.is_contiguous() for tensor in state_of(network).values())


def test_prunable_are_the_weights_of_convolutions_and_linear_layers(make_subject: MakeSubject) -> None:
    assert make_subject().prunable == ("fc1.weight", "fc2.weight", "fc3.weight")
    assert make_subject().shapes["fc2.weight"] == (12, 16)
    assert len(make_subject("resnet-20", **RESNET).prunable) == 20

"""ticketing.subject: weights drawn or read exactly, and never shared between copies."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ticketing.architectures import ARCHITECTURES, arguments_for, inventory
from ticketing.errors import ModelError
from ticketing.folder import ModelSpec
from ticketing.subject import Subject, initialise, load_subject, placed, redraw, state_of

MakeSubject = Callable[..., Subject]
every_architecture = pytest.mark.parametrize("name", list(ARCHITECTURES))
RESNET = {"in_channels": 1, "input_size": [8, 8], "classes": 3}


def spec_of(subject: Subject) -> ModelSpec:
    return ModelSpec(architecture=subject.spec.architecture, arguments=subject.spec.arguments)


@every_architecture
def test_the_same_seed_draws_the_same_bits_and_another_seed_others(name: str) -> None:
    listed = inventory(name, arguments_for(name, {}))
    one, same, other = (initialise(listed, seed) for seed in (3, 3, 4))
    weights = [layer.parameter for layer in listed.prunable]
    assert all(torch.equal(one[key], same[key]) for key in listed.state)
    assert not any(torch.equal(one[key], other[key]) for key in weights)


@every_architecture
def test_drawing_leaves_the_ambient_generator_alone(name: str) -> None:
    before = torch.random.get_rng_state()
    load_subject(ModelSpec(architecture=name, arguments=arguments_for(name, {}), seed=0))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_layers_are_drawn_in_order_from_one_generator() -> None:
    drawn = initialise(inventory("lenet-300-100", arguments_for("lenet-300-100", {})), 3)
    generator = torch.Generator().manual_seed(3)
    for name, shape in (("fc1", (300, 784)), ("fc2", (100, 300)), ("fc3", (10, 100))):
        expected = torch.randn(shape, generator=generator).mul_(math.sqrt(2 / sum(shape)))
        assert torch.equal(drawn[f"{name}.weight"], expected)


@every_architecture
def test_what_is_not_drawn_is_at_rest(name: str) -> None:
    listed = inventory(name, arguments_for(name, {}))
    drawn = initialise(listed, 0)
    assert list(drawn) == list(listed.state)
    for layer in listed.layers:
        if layer.bias:
            assert drawn[layer.bias_parameter].eq(0).all()
        if layer.norm:
            assert drawn[layer.parameter].eq(1).all()
        if layer.kind == "norm":
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


@every_architecture
def test_a_placed_copy_has_the_state_and_shares_none_of_it(make_subject: MakeSubject, name: str) -> None:
    small = {"context": 4} if ARCHITECTURES[name].task == "next_token" else {"in_channels": 3, "input_size": [8, 8]}
    subject = make_subject(name, **small)
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

"""ticketing.training.lean: what a mask has pruned may be left out: the same function, the same training, less work."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ticketing.mask import Mask
from ticketing.observer import RecordingObserver
from ticketing.sparse import same_bits
from ticketing.subject import Subject, placed
from ticketing.training import lean as lean_module
from ticketing.training.lean import lean, lean_layers, multiply_adds
from ticketing.training.loop import train

LAYERS = ["fc1.weight", "fc2.weight", "fc3.weight"]


def drawn(subject: Subject, seed: int, density: float) -> Mask:
    generator = torch.Generator().manual_seed(seed)
    return Mask({name: torch.rand(shape, generator=generator) < density for name, shape in subject.shapes.items()})


def first(subject: Subject, **kept: int) -> Mask:
    """Keep the first so many entries of the layers named, and all of the others."""
    mask = {}
    for name, shape in subject.shapes.items():
        entries = torch.arange(torch.Size(shape).numel())
        mask[name] = (entries < kept.get(name.split(".")[0], len(entries))).reshape(shape)
    return Mask(mask)


def chosen(subject: Subject, mask: Mask, precision: Any = "fp32", device: str = "cpu") -> list[str]:
    return lean_layers(subject.module, subject.inventory, mask, device=torch.device(device), precision=precision)


@given(
    seed=st.integers(0, 10_000),
    density=st.floats(0.0, 1.0),
    layers=st.lists(st.sampled_from(LAYERS), unique=True),
)
def test_the_function_is_the_same(make_subject: Any, seed: int, density: float, layers: list[str]) -> None:
    subject = make_subject()
    mask = drawn(subject, seed, density)
    slim, state = lean(subject.module, mask, layers), mask.applied_to(subject.initial_state)
    x = torch.randn(7, 8, generator=torch.Generator().manual_seed(seed))
    whole, small = (
        placed(module, weights, device="cpu")(x)
        for module, weights in ((subject.module, state), (slim.module, slim.as_trained(state)))
    )
    assert torch.allclose(whole, small, atol=1e-6)  # another order of summation


@pytest.mark.parametrize("architecture", ["vit-tiny", "gpt"])
def test_the_layers_inside_a_transformer_may_be_lean(make_subject: Any, tiny_arguments: Any, architecture: str) -> None:
    subject = make_subject(architecture, **tiny_arguments(architecture))
    mask = drawn(subject, 0, 0.1)
    layers = chosen(subject, mask)
    assert layers
    slim, state = lean(subject.module, mask, layers), mask.applied_to(subject.initial_state)
    known = subject.inventory
    generator = torch.Generator().manual_seed(1)
    x = (
        torch.randint(3, (2, 4), generator=generator)
        if architecture == "gpt"
        else torch.randn(2, *known.input_shape, generator=generator)
    )
    whole, small = (
        placed(module, weights, device="cpu").eval()(x)
        for module, weights in ((subject.module, state), (slim.module, slim.as_trained(state)))
    )
    assert torch.allclose(whole, small, atol=1e-5)


@given(seed=st.integers(0, 10_000), density=st.floats(0.0, 1.0))
def test_what_is_taken_out_and_put_back_is_what_it_was(make_subject: Any, seed: int, density: float) -> None:
    subject = make_subject()
    mask = drawn(subject, seed, density)
    state = mask.applied_to(subject.initial_state)
    slim = lean(subject.module, mask, LAYERS)
    assert slim.as_trained(state)["fc1.weight"].shape == (mask.counts()["fc1.weight"],)
    assert same_bits(slim.as_whole(slim.as_trained(state)), state)


@pytest.mark.parametrize(
    "more",
    [
        {"optimizer": {"name": "adam"}},
        {"optimizer": {"name": "adamw", "weight_decay": 0.1}, "ema": {"decay": 0.9}},
        {"optimizer": {"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, "gradient_clip": 0.1},
    ],
)
def test_a_training_comes_to_the_same(
    make_subject: Any, make_dataset: Any, make_training: Any, more: dict[str, Any]
) -> None:
    subject, data, training = make_subject(), make_dataset(), make_training(**more)
    mask = drawn(subject, 1, 0.2)
    start, slim = mask.applied_to(subject.initial_state), lean(subject.module, mask, LAYERS)

    def final(module: Any, weights: dict[str, Tensor], kept: Mask | None) -> dict[str, Tensor]:
        return train(
            module, weights, data=data, training=training, mask=kept, order_seed=3, observer=RecordingObserver()
        ).final

    whole = final(subject.module, start, mask)
    small = slim.as_whole(final(slim.module, slim.as_trained(start), None))
    assert all(torch.allclose(whole[name], small[name], atol=1e-5) for name in whole)
    assert not torch.equal(small["fc1.weight"], start["fc1.weight"])


def test_a_layer_that_keeps_a_fifth_is_lean_and_one_that_keeps_more_is_not(make_subject: Any) -> None:
    subject = make_subject()
    assert chosen(subject, first(subject, fc1=25, fc2=38)) == ["fc1.weight", "fc2.weight"]  # of 128 and 192
    assert chosen(subject, first(subject, fc1=25, fc2=39)) == ["fc1.weight"]
    assert chosen(subject, first(subject, fc1=26, fc2=38)) == ["fc2.weight"]


def test_exactly_a_fifth_is_sparse_enough_and_exactly_three_quarters_of_the_work_are_little_enough(
    make_subject: Any,
) -> None:
    subject = make_subject(in_features=5, hidden=[20], classes=11)  # 100 and 220 entries: 240 of 320 are left
    assert chosen(subject, first(subject, fc1=20)) == ["fc1.weight"]


def test_narrow_vectors_pay_at_a_tenth_alone(make_subject: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = make_subject()
    monkeypatch.setattr(lean_module, "DENSITY", lean_module.density("AVX2"))
    assert chosen(subject, first(subject, fc1=12, fc2=20)) == ["fc1.weight"]
    assert lean_module.density("AVX512") == 0.2


def test_a_layer_that_has_no_mask_is_left_whole(make_subject: Any) -> None:
    subject = make_subject()
    kept = first(subject, fc2=19)["fc2.weight"]
    assert chosen(subject, Mask({"fc2.weight": kept})) == ["fc2.weight"]


def test_a_layer_without_a_bias_has_none_when_it_is_lean(make_subject: Any, tiny_arguments: Any) -> None:
    subject = make_subject("gpt", **tiny_arguments("gpt") | {"tied": False})
    slim = lean(subject.module, drawn(subject, 0, 0.1), ["lm_head.weight"])
    assert slim.module.get_submodule("lm_head").bias is None


def test_a_small_saving_is_not_worth_other_last_bits(make_subject: Any) -> None:
    subject = make_subject()
    assert chosen(subject, first(subject, fc1=12)) == ["fc1.weight"]  # saves 116 of 356: 67 % are left
    assert chosen(subject, first(subject, fc3=1)) == []


@pytest.mark.parametrize("other", [{"precision": "bf16"}, {"device": "cuda"}])
def test_where_there_are_only_dense_kernels_a_network_is_left_whole(make_subject: Any, other: dict[str, Any]) -> None:
    subject = make_subject()
    mask = drawn(subject, 0, 0.1)
    assert chosen(subject, mask) == LAYERS
    assert chosen(subject, mask, **other) == []


def test_convolutions_are_left_whole(make_subject: Any) -> None:
    subject = make_subject("conv-2", in_channels=1, input_size=[8, 8], classes=3)
    assert set(chosen(subject, drawn(subject, 0, 0.01))) <= {"fc1.weight", "fc2.weight", "fc3.weight"}


def test_multiply_adds_of_a_lean_layer_are_its_kept_entries(make_subject: Any) -> None:
    subject = make_subject()
    mask = drawn(subject, 0, 0.1)
    assert multiply_adds(subject.inventory, mask, []) == 8 * 16 + 16 * 12 + 12 * 3
    assert multiply_adds(subject.inventory, mask, LAYERS) == mask.kept_count
    assert multiply_adds(subject.inventory, mask, ["fc2.weight"]) == 8 * 16 + mask.counts()["fc2.weight"] + 12 * 3


def test_no_layer_is_the_network_itself(make_subject: Any) -> None:
    subject = make_subject()
    mask = drawn(subject, 0, 0.1)
    whole = lean(subject.module, mask, [])
    assert whole.module is subject.module
    assert whole.mask is mask
    assert same_bits(whole.as_trained(subject.initial_state), subject.initial_state)

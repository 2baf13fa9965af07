"""ticketing.architectures.vit: counts of the papers, keys of torchvision, arguments that fit each other."""

from typing import Any

import pytest

from ticketing.architectures import Inventory, arguments_for, inventory
from ticketing.errors import ModelError

IMAGENET: dict[str, Any] = {"classes": 1000, "in_channels": 3, "input_size": [224, 224]}
BASE = {"width": 768, "depth": 12, "heads": 12}
LARGE = {"width": 1024, "depth": 24, "heads": 16}


def listed(**arguments: Any) -> Inventory:
    return inventory("vit-tiny", arguments_for("vit-tiny", arguments))


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        (IMAGENET | BASE | {"patch": 16}, 86_567_656),  # torchvision's vit_b_16
        (IMAGENET | BASE | {"patch": 32}, 88_224_232),  # vit_b_32
        (IMAGENET | LARGE | {"patch": 16}, 304_326_632),  # vit_l_16
        (IMAGENET, 5_717_416),  # DeiT-Ti: 5.7 million
    ],
)
def test_parameter_counts_are_those_that_are_published(arguments: dict[str, Any], parameters: int) -> None:
    assert listed(**arguments).parameters_total == parameters


def test_multiply_adds_of_deit_ti_are_those_of_its_paper() -> None:
    assert round(listed(**IMAGENET).multiply_adds / 1e9, 1) == 1.3


def test_the_keys_are_torchvisions() -> None:
    block = "encoder.layers.encoder_layer_0"
    assert list(listed(**IMAGENET | {"depth": 1}).state) == [
        "class_token",
        "conv_proj.weight",
        "conv_proj.bias",
        "encoder.pos_embedding",
        f"{block}.ln_1.weight",
        f"{block}.ln_1.bias",
        f"{block}.self_attention.in_proj_weight",
        f"{block}.self_attention.in_proj_bias",
        f"{block}.self_attention.out_proj.weight",
        f"{block}.self_attention.out_proj.bias",
        f"{block}.ln_2.weight",
        f"{block}.ln_2.bias",
        f"{block}.mlp.0.weight",
        f"{block}.mlp.0.bias",
        f"{block}.mlp.3.weight",
        f"{block}.mlp.3.bias",
        "encoder.ln.weight",
        "encoder.ln.bias",
        "heads.head.weight",
        "heads.head.bias",
    ]


def test_every_rate_but_that_of_norms_has_a_layer() -> None:
    kinds = [layer.rate_kind for layer in listed(**IMAGENET | {"depth": 1}).prunable]
    assert kinds == ["embedding", "conv", "embedding", "attention", "attention", "linear", "linear", "output"]


@pytest.mark.parametrize(
    ("size", "patch"),
    [
        *[([224, 224], 16), ([64, 64], 8), ([32, 32], 4), ([28, 28], 4), ([8, 8], 1), ([9, 7], 1)],
        *[([64, 60], 4), ([60, 64], 4), ([224, 32], 4), ([32, 224], 4)],
    ],
)
def test_a_patch_left_out_suits_the_image(size: list[int], patch: int) -> None:
    assert arguments_for("vit-tiny", {"in_channels": 1, "input_size": size})["patch"] == patch


def test_a_patch_is_projected_with_the_variance_of_its_fan_in_and_all_else_is_drawn_small() -> None:
    deviations = {layer.name: layer.deviation for layer in listed(**IMAGENET).layers if layer.prunable}
    assert deviations.pop("conv_proj") == pytest.approx((3 * 16 * 16) ** -0.5)
    assert set(deviations.values()) == {0.02}


def test_as_many_patches_as_there_may_be_are_taken() -> None:
    made = listed(**IMAGENET | {"input_size": [32, 128], "patch": 1})
    assert made.state["encoder.pos_embedding"].shape == (1, 4096 + 1, 192)


def test_a_patch_that_is_given_is_taken() -> None:
    assert arguments_for("vit-tiny", {"in_channels": 1, "input_size": [32, 32], "patch": 8})["patch"] == 8


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"width": 100}, "3 heads divide, got 100"),
        ({"patch": 5}, "patch of 5 divides"),
        ({"input_size": [255, 255]}, "at most 4096 of them, got 65025"),
        ({"input_size": [224]}, "at least 2 items"),
    ],
)
def test_arguments_that_do_not_fit_each_other_are_refused(arguments: dict[str, Any], expected: str) -> None:
    with pytest.raises(ModelError, match=expected):
        listed(**IMAGENET | arguments)

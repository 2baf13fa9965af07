"""ticketing.architectures.images: shapes of convolutions and pools are those torch makes, weights those it holds."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from ticketing.architectures.images import Image, Rows, conv, conv_norm, norm, pool, stages

sides = st.integers(1, 70)


@settings(deadline=None)
@given(height=sides, width=sides, kernel=st.sampled_from([1, 3, 5, 7]), stride=st.sampled_from([1, 2]))
def test_a_convolution_makes_the_image_torch_makes(height: int, width: int, kernel: int, stride: int) -> None:
    layer, made = conv("c", Image(6, height, width), 4, kernel, stride=stride, groups=2)
    module = nn.Conv2d(6, 4, kernel, stride=stride, padding=kernel // 2, groups=2, device="meta")
    output = module(torch.empty(1, 6, height, width, device="meta"))
    assert tuple(output.shape[1:]) == made
    assert tuple(module.weight.shape) == layer.weight
    assert layer.multiply_adds == output.numel() * module.weight[0].numel()


@settings(deadline=None)
@given(height=st.integers(3, 70), width=st.integers(3, 70), window=st.sampled_from([2, 3]), padding=st.integers(0, 1))
def test_a_pool_makes_the_image_torch_makes(height: int, width: int, window: int, padding: int) -> None:
    came = functional.max_pool2d(torch.empty(1, 5, height, width, device="meta"), window, 2, padding)
    assert tuple(came.shape[1:]) == pool(Image(5, height, width), window, stride=2, padding=padding)


def test_a_depthwise_convolution_has_one_kernel_a_channel() -> None:
    layer, made = conv("c", Image(8, 5, 5), 8, groups=8)
    assert (layer.weight, layer.multiply_adds, made) == ((8, 1, 3, 3), 8 * 9 * 25, Image(8, 5, 5))


def test_padding_that_is_said_is_taken() -> None:
    assert conv("c", Image(1, 28, 28), 20, 5, padding=0)[1] == Image(20, 24, 24)


def test_a_norm_costs_nothing_and_has_a_scale_and_a_shift_a_channel() -> None:
    row = norm("bn", Image(7, 3, 3))
    assert (row.weight, row.bias, row.multiply_adds, row.prunable) == ((7,), True, 0, False)


def test_stages_halve_the_image_but_for_the_first() -> None:
    def block(at: str, image: Image, width: int, stride: int) -> Rows:
        return conv_norm((f"{at}.conv", f"{at}.bn"), image, width, stride=stride)

    layers, image = stages(Image(3, 9, 8), block, widths=(4, 8, 16), counts=(1, 2, 1))
    assert image == Image(16, 3, 2)
    assert [layer.name for layer in layers if layer.kind == "conv"] == [
        "layer1.0.conv",
        "layer2.0.conv",
        "layer2.1.conv",
        "layer3.0.conv",
    ]


@pytest.mark.parametrize("stride", [1, 2])
def test_an_image_of_one_pixel_stays_one(stride: int) -> None:
    assert conv("c", Image(1, 1, 1), 1, stride=stride)[1] == Image(1, 1, 1)

"""ticketing.models.mobilenet: the narrow ends are linear, and the input is carried where the shape stays."""

import pytest
import torch
from torch import nn

from ticketing.architectures.mobilenet import Residual, residuals
from ticketing.models.mobilenet import InvertedResidual


def silenced(block: InvertedResidual) -> InvertedResidual:
    last = block.conv[-1]
    assert isinstance(last, nn.BatchNorm2d)
    nn.init.zeros_(last.weight)
    return block.eval()


def test_a_block_that_keeps_the_shape_carries_its_input_negative_values_too() -> None:
    x = torch.randn(1, 4, 5, 5)
    assert torch.equal(silenced(InvertedResidual(4, Residual(6, 4, 1)))(x), x)


@pytest.mark.parametrize("residual", [Residual(6, 8, 1), Residual(6, 4, 2)])
def test_a_block_that_changes_the_shape_carries_nothing(residual: Residual) -> None:
    assert silenced(InvertedResidual(4, residual))(torch.randn(1, 4, 5, 5)).eq(0).all()


def test_inside_a_block_values_stay_between_0_and_6() -> None:
    block = InvertedResidual(4, Residual(6, 4, 1)).eval()
    given = list[torch.Tensor]()
    for active in list(block.conv)[:2]:
        next(active.parameters()).data.mul_(1000)
        active.register_forward_hook(lambda _, __, values: given.append(values))
    block(torch.randn(2, 4, 5, 5))
    assert [values.aminmax() for values in given] == [(0, 6), (0, 6)]


def test_the_stem_for_small_images_halves_them_three_times_and_that_of_imagenet_four() -> None:
    assert [residual.stride for residual in residuals("cifar")].count(2) == 3
    assert [residual.stride for residual in residuals("imagenet")].count(2) == 4
    assert len(residuals("cifar")) == 17

"""ticketing.models.preresnet: norm and ReLU come before the convolutions, and what the shortcut reads."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from ticketing.models.preresnet import Bottleneck, WideBlock


def silenced(block: nn.Module) -> nn.Module:
    """Leave a block its shortcut alone."""
    last = [module for name, module in block.named_modules() if name.startswith("conv")][-1]
    assert isinstance(last, nn.Conv2d)
    nn.init.zeros_(last.weight)
    return block.eval()


@pytest.mark.parametrize("block", [Bottleneck(8, 2, 1), WideBlock(8, 8, 1)])
def test_a_block_without_weights_passes_its_input_on_negative_values_too(block: nn.Module) -> None:
    x = torch.randn(1, 8, 5, 5)
    assert torch.equal(silenced(block)(x), x)


def test_a_bottleneck_projects_its_input_as_it_comes() -> None:
    block = silenced(Bottleneck(4, 3, 2))
    x = torch.randn(1, 4, 5, 7)
    assert torch.equal(block(x), functional.conv2d(x, block.state_dict()["downsample.0.weight"], stride=2))


def test_a_wide_block_projects_its_input_behind_norm_and_relu() -> None:
    block = silenced(WideBlock(4, 6, 2))
    nn.init.constant_(block.get_parameter("bn1.bias"), 0.3)
    x = torch.randn(1, 4, 5, 7)
    active = (x / (1 + 1e-5) ** 0.5 + 0.3).relu()
    expected = functional.conv2d(active, block.state_dict()["downsample.0.weight"], stride=2)
    assert torch.allclose(block(x), expected, atol=1e-6)


def test_every_convolution_reads_what_a_norm_and_relu_left() -> None:
    read = dict[str, torch.Tensor]()
    block = Bottleneck(8, 4, 1).train()
    for name in ("conv1", "conv2", "conv3"):
        block.get_submodule(name).register_forward_hook(lambda _, given, __, name=name: read.update({name: given[0]}))
    block(torch.randn(6, 8, 5, 5))
    assert all(bool((x >= 0).all()) and bool((x == 0).any()) for x in read.values())

"""ticketing.models.resnet: what a residual block adds to its input, and how the input is carried."""

import pytest
import torch
from torch import nn

from ticketing.models.resnet import Block, Bottleneck, PaddedShortcut, _projected_block


def test_a_shortcut_halves_the_image_and_pads_channels_without_parameters() -> None:
    x = torch.arange(32.0).reshape(1, 2, 4, 4)
    shortcut = PaddedShortcut(2)
    carried = shortcut(x)
    assert carried[:, [0, 3]].eq(0).all()
    assert torch.equal(carried[:, 1:3], x[:, :, ::2, ::2])
    assert not shortcut.state_dict()


@pytest.mark.parametrize("block", [Block(4, 4, 1, nn.Identity()), Bottleneck(8, 2, 1, nn.Identity())])
def test_a_block_without_weights_passes_its_input_on(block: nn.Module) -> None:
    last = [module for module in block.modules() if isinstance(module, nn.BatchNorm2d)][-1]
    nn.init.zeros_(last.weight)
    x = torch.rand(1, last.num_features, 5, 5)
    assert torch.equal(block.eval()(x), x)


def test_the_sum_of_both_ways_is_cut_at_zero() -> None:
    block = Block(4, 4, 1, nn.Identity()).eval()
    nn.init.zeros_(block.bn2.weight)
    x = torch.randn(1, 4, 5, 5)
    assert torch.equal(block(x), x.relu())


@pytest.mark.parametrize(("block", "expansion"), [(Block, 1), (Bottleneck, 4)])
def test_a_block_that_changes_the_shape_projects_its_input(block: type[Block | Bottleneck], expansion: int) -> None:
    made = _projected_block(4, 6, 2, block=block, expansion=expansion).eval()
    last = [module for name, module in made.named_modules() if name.startswith("bn")][-1]
    nn.init.zeros_(last.weight)
    x, weight = torch.randn(1, 4, 5, 7), made.state_dict()["downsample.0.weight"]
    projected = nn.functional.conv2d(x, weight, stride=2) / (1 + 1e-5) ** 0.5  # a norm at rest
    assert made(x).shape == (1, 6 * expansion, 3, 4)
    assert torch.allclose(made(x), projected.relu(), atol=1e-6)

"""The modules of the residual networks; their layers are listed in `ticketing.architectures.resnet`."""

from collections import OrderedDict
from functools import partial

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ticketing.architectures import Inventory
from ticketing.architectures.resnet import BOTTLENECKS, COUNTS, EXPANSION, SMALL_COUNTS, SMALL_WIDTHS, WIDTHS
from ticketing.models.images import Mean, convolution, stages


class Block(nn.Module):
    """Two 3x3 convolutions around which the input is carried (He et al. 2015, figure 2)."""

    def __init__(self, into: int, out: int, stride: int, shortcut: nn.Module) -> None:
        """Take the channels in and out, the stride, and what carries the input."""
        super().__init__()
        self.conv1 = convolution(into, out, stride=stride)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = convolution(out, out)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = shortcut

    def forward(self, x: Float[Tensor, "batch into height width"]) -> Float[Tensor, "batch out smaller_h smaller_w"]:
        """Give the sum of both ways."""
        y: Tensor = self.bn1(self.conv1(x)).relu_()
        y = self.bn2(self.conv2(y))
        return y.add_(self.downsample(x)).relu_()


class Bottleneck(nn.Module):
    """Convolutions of 1x1, 3x3 and 1x1 around which the input is carried (He et al. 2015, figure 5)."""

    def __init__(self, into: int, width: int, stride: int, shortcut: nn.Module) -> None:
        """Take the channels in and in the middle, the stride, and what carries the input."""
        super().__init__()
        self.conv1 = convolution(into, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = convolution(width, width, stride=stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = convolution(width, EXPANSION * width, 1)
        self.bn3 = nn.BatchNorm2d(EXPANSION * width)
        self.downsample = shortcut

    def forward(self, x: Float[Tensor, "batch into height width"]) -> Float[Tensor, "batch out smaller_h smaller_w"]:
        """Give the sum of both ways."""
        y: Tensor = self.bn1(self.conv1(x)).relu_()
        y = self.bn2(self.conv2(y)).relu_()
        y = self.bn3(self.conv3(y))
        return y.add_(self.downsample(x)).relu_()


class PaddedShortcut(nn.Module):
    """Option A: every second pixel, the missing channels zero, half of them on either side; no parameters."""

    def __init__(self, missing: int) -> None:
        """Take how many channels are missing."""
        super().__init__()
        self.before, self.behind = missing // 2, missing - missing // 2

    def forward(self, x: Float[Tensor, "batch into height width"]) -> Float[Tensor, "batch out smaller_h smaller_w"]:
        """Give the smaller image of more channels."""
        return functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.before, self.behind))


def build_small_resnet(inventory: Inventory) -> nn.Sequential:
    """Build `resnet-20/32/56/110`."""
    width = SMALL_WIDTHS[0]
    stem = {"conv1": convolution(inventory.input_shape[0], width), "bn1": nn.BatchNorm2d(width), "relu": _relu()}
    counts = [SMALL_COUNTS[inventory.architecture]] * 3
    return _assembled(inventory, stem, stages(_small_block, width, widths=SMALL_WIDTHS, counts=counts))


def build_resnet(inventory: Inventory) -> nn.Sequential:
    """Build `resnet-18/34/50`."""
    channels, width = inventory.input_shape[0], WIDTHS[0]
    stem: dict[str, nn.Module] = {"conv1": convolution(channels, width), "bn1": nn.BatchNorm2d(width), "relu": _relu()}
    if inventory.arguments["stem"] == "imagenet":
        stem["conv1"] = convolution(channels, width, 7, stride=2)
        stem["maxpool"] = nn.MaxPool2d(3, stride=2, padding=1)
    block, expansion = (Bottleneck, EXPANSION) if inventory.architecture in BOTTLENECKS else (Block, 1)
    projected = partial(_projected_block, block=block, expansion=expansion)
    counts = COUNTS[inventory.architecture]
    return _assembled(inventory, stem, stages(projected, width, widths=WIDTHS, counts=counts, expansion=expansion))


def _assembled(inventory: Inventory, stem: dict[str, nn.Module], blocks: dict[str, nn.Module]) -> nn.Sequential:
    head = {"avgpool": Mean(), "fc": nn.Linear(inventory.layers[-1].weight[1], inventory.classes)}
    return nn.Sequential(OrderedDict(**stem, **blocks, **head))


def _small_block(into: int, out: int, stride: int) -> Block:
    return Block(into, out, stride, nn.Identity() if stride == 1 else PaddedShortcut(out - into))


def _projected_block(
    into: int, width: int, stride: int, *, block: type[Block] | type[Bottleneck], expansion: int
) -> nn.Module:
    """Option B: where a block changes the image's shape, the shortcut is a 1x1 convolution and a norm."""
    out = expansion * width
    if into == out:
        return block(into, width, stride, nn.Identity())
    return block(into, width, stride, nn.Sequential(convolution(into, out, 1, stride=stride), nn.BatchNorm2d(out)))


def _relu() -> nn.ReLU:
    return nn.ReLU(inplace=True)

"""The modules of `preresnet-56/101` and `wide-resnet`; layers are listed in `ticketing.architectures.preresnet`."""

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn

from ticketing.architectures import Inventory
from ticketing.architectures.preresnet import COUNTS, EXPANSION, STEM_WIDTH, WIDTHS, wide_count
from ticketing.models.images import Mean, convolution, stages


class Bottleneck(nn.Module):
    """Norm, ReLU and convolution, thrice: 1x1, 3x3, 1x1, around which the input is carried as it comes."""

    def __init__(self, into: int, width: int, stride: int) -> None:
        """Take the channels in and in the middle, and the stride."""
        super().__init__()
        self.bn1 = nn.BatchNorm2d(into)
        self.conv1 = convolution(into, width, 1)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = convolution(width, width, stride=stride)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = convolution(width, EXPANSION * width, 1)
        self.downsample = _shortcut(into, EXPANSION * width, stride)

    def forward(self, x: Float[Tensor, "batch into height width"]) -> Float[Tensor, "batch out smaller_h smaller_w"]:
        """Give the sum of both ways."""
        y: Tensor = self.conv1(self.bn1(x).relu_())
        y = self.conv2(self.bn2(y).relu_())
        y = self.conv3(self.bn3(y).relu_())
        return y.add_(self.downsample(x))


class WideBlock(nn.Module):
    """Norm, ReLU and 3x3 convolution, twice (Zagoruyko & Komodakis 2016, figure 1c)."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        """Take the channels in and out, and the stride."""
        super().__init__()
        self.bn1 = nn.BatchNorm2d(into)
        self.conv1 = convolution(into, out, stride=stride)
        self.bn2 = nn.BatchNorm2d(out)
        self.conv2 = convolution(out, out)
        self.downsample = _shortcut(into, out, stride)
        self.widens = into != out

    def forward(self, x: Float[Tensor, "batch into height width"]) -> Float[Tensor, "batch out smaller_h smaller_w"]:
        """Give the sum of both ways; a block that widens carries its input behind the first norm and ReLU."""
        active: Tensor = self.bn1(x).relu_()
        y: Tensor = self.conv1(active)
        y = self.conv2(self.bn2(y).relu_())
        return y.add_(self.downsample(active if self.widens else x))


def build_preresnet(inventory: Inventory) -> nn.Sequential:
    """Build `preresnet-56/101`."""
    counts = [COUNTS[inventory.architecture]] * 3
    return _assembled(inventory, stages(Bottleneck, STEM_WIDTH, widths=WIDTHS, counts=counts, expansion=EXPANSION))


def build_wide_resnet(inventory: Inventory) -> nn.Sequential:
    """Build `wide-resnet`."""
    widths = [inventory.arguments["width"] * width for width in WIDTHS]
    counts = [wide_count(inventory.arguments["depth"])] * 3
    return _assembled(inventory, stages(WideBlock, STEM_WIDTH, widths=widths, counts=counts))


def _assembled(inventory: Inventory, blocks: dict[str, nn.Module]) -> nn.Sequential:
    out = inventory.layers[-1].weight[1]
    stem = {"conv1": convolution(inventory.input_shape[0], STEM_WIDTH)}
    head = {"bn": nn.BatchNorm2d(out), "relu": nn.ReLU(inplace=True), "avgpool": Mean()}
    return nn.Sequential(OrderedDict(**stem, **blocks, **head, fc=nn.Linear(out, inventory.classes)))


def _shortcut(into: int, out: int, stride: int) -> nn.Module:
    # In a sequence of one: network slimming and early-bird tickets name it `downsample.0`.
    return nn.Identity() if into == out else nn.Sequential(convolution(into, out, 1, stride=stride))

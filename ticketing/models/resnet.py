"""The modules of `resnet-20`; its layers are listed in `ticketing.architectures.resnet`."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ticketing.architectures import Inventory
from ticketing.architectures.resnet import BLOCKS_PER_STAGE, STAGE_WIDTHS


class Block(nn.Module):
    """Two 3x3 convolutions around which the input is carried (He et al. 2015, figure 2)."""

    def __init__(self, into: int, out: int) -> None:
        """Take the channels in and out; where they differ the image is halved."""
        super().__init__()
        self.stride = 1 if into == out else 2
        self.extra = (out - into) // 2
        self.conv1 = nn.Conv2d(into, out, 3, stride=self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)

    def forward(self, x: Float[Tensor, "batch into height width"]) -> Float[Tensor, "batch out smaller_h smaller_w"]:
        """Give the sum of both ways."""
        y: Tensor = self.bn1(self.conv1(x)).relu_()
        y = self.bn2(self.conv2(y))
        return y.add_(self._carried(x)).relu_()

    def _carried(self, x: Tensor) -> Tensor:
        """Option A: every second pixel, the missing channels zero, half of them on either side; no parameters."""
        if self.stride == 1:
            return x
        return functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra, self.extra))


class ResNet(nn.Module):
    """A convolution, three stages of blocks of 16, 32 and 64 channels, the mean over the image, a linear layer."""

    def __init__(self, in_channels: int, classes: int) -> None:
        """Take the image's channels and the number of classes."""
        super().__init__()
        into = STAGE_WIDTHS[0]
        self.conv1 = nn.Conv2d(in_channels, into, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(into)
        self.layer1 = _stage(into, STAGE_WIDTHS[0])
        self.layer2 = _stage(STAGE_WIDTHS[0], STAGE_WIDTHS[1])
        self.layer3 = _stage(STAGE_WIDTHS[1], STAGE_WIDTHS[2])
        self.fc = nn.Linear(STAGE_WIDTHS[2], classes)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """Give the logits."""
        x = self.bn1(self.conv1(x)).relu_()
        x = self.layer3(self.layer2(self.layer1(x)))
        # mean(), not an adaptive pool: its backward is deterministic on every device.
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


def _stage(into: int, out: int) -> nn.Sequential:
    return nn.Sequential(Block(into, out), *[Block(out, out) for _ in range(BLOCKS_PER_STAGE - 1)])


def build_resnet_20(inventory: Inventory) -> ResNet:
    """Build the network that an inventory of `resnet-20` lists."""
    return ResNet(inventory.input_shape[0], inventory.classes)

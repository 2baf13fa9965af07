"""The modules of `conv-2`; its layers are listed in `ticketing.architectures.convnet`."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ticketing.architectures import Inventory


class Conv2(nn.Module):
    """Two 3x3 convolutions, a 2x2 max pool and three fully connected layers (Frankle & Carbin 2018, figure 2)."""

    def __init__(self, in_channels: int, flat: int, classes: int) -> None:
        """Take the image's channels, the values left after the pool, and the number of classes."""
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 64, 3, padding=1)
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1)
        self.fc1 = nn.Linear(flat, 256)
        self.fc2 = nn.Linear(256, 256)
        self.fc3 = nn.Linear(256, classes)

    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """Give the logits."""
        x = self.conv1(x).relu_()
        x = functional.max_pool2d(self.conv2(x).relu_(), 2)
        # reshape, not view: the pool's output is channels-last, and the flattened order is that of the channels first.
        x = x.reshape(x.shape[0], -1)
        x = self.fc1(x).relu_()
        x = self.fc2(x).relu_()
        logits: Tensor = self.fc3(x)
        return logits


def build_conv_2(inventory: Inventory) -> Conv2:
    """Build the network that an inventory of `conv-2` lists."""
    fc1 = next(layer for layer in inventory.layers if layer.name == "fc1")
    return Conv2(inventory.input_shape[0], fc1.weight[1], inventory.classes)

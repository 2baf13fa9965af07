"""The modules of `mlp` and `lenet-300-100`; their layers are listed in `ticketing.architectures.mlp`."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from jaxtyping import Float
from torch import Tensor, nn

from ticketing.architectures import Inventory


class MLP(nn.Module):
    """Fully connected layers `fc1`, `fc2`, ... on flattened input, ReLU between them."""

    def __init__(self, widths: Sequence[int]) -> None:
        """Take the widths, input features first, classes last."""
        super().__init__()
        for i, (into, out) in enumerate(pairwise(widths), start=1):
            self.add_module(f"fc{i}", nn.Linear(into, out))

    def forward(self, x: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch classes"]:
        """Give the logits."""
        x = x.flatten(1)
        *hidden, output = self.children()
        for layer in hidden:
            x = layer(x).relu_()
        logits: Tensor = output(x)
        return logits


def build_mlp(inventory: Inventory) -> MLP:
    """Build the network that an inventory of fully connected layers lists."""
    return MLP((prod(inventory.input_shape), *(layer.weight[0] for layer in inventory.layers)))

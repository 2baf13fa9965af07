"""A fully connected layer that learns how much each of its inputs counts; ranks and removes nothing."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class ScaledLinear(nn.Linear):
    """`nn.Linear` that multiplies what it reads by a learned scale for every run of so many inputs: W (c * x) + b.

    Behind heads of attention a run is what one head gives, behind hidden units it is one unit: the coefficients of
    EarlyBERT (Chen et al. 2021, arXiv 2101.00063, section 3.1).
    """

    def __init__(self, into: int, out: int, *, bias: bool, scales: int) -> None:
        """Take the sizes of the layer and the number of scales, which divides `into`; all on the `meta` device."""
        super().__init__(into, out, bias=bias, device="meta")
        self.scale = nn.Parameter(torch.empty(scales, device="meta"))

    def forward(self, x: Float[Tensor, "*batch into"]) -> Float[Tensor, "*batch out"]:
        """Give W (c * x) + b."""
        return functional.linear(x * spread(self.scale, self.in_features), self.weight, self.bias)


def spread(scale: Float[Tensor, " scales"], inputs: int) -> Float[Tensor, " inputs"]:
    """Give every input the scale of its run."""
    return scale.unsqueeze(1).expand(-1, inputs // len(scale)).reshape(-1)

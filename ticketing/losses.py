"""What a training makes small, by its word in a recipe; called as `torch.nn.functional.cross_entropy` is."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional


@runtime_checkable
class Loss(Protocol):
    """(logits, classes) -> the mean over the examples, or with `reduction="none"` the loss of each."""

    def __call__(self, logits: Tensor, y: Tensor, /, *, reduction: str = "mean") -> Tensor:
        """Compute it."""


def mse(
    logits: Float[Tensor, "examples classes"], y: Int64[Tensor, " examples"], /, *, reduction: str = "mean"
) -> Tensor:
    """Squared distance of the outputs to the one-hot class, summed over the classes (Belkin et al. 2018, section 3)."""
    losses = (logits - functional.one_hot(y, logits.shape[1])).square().sum(1)
    return losses.mean() if reduction == "mean" else losses


LOSSES: Mapping[str, Loss] = {"cross_entropy": functional.cross_entropy, "mse": mse}

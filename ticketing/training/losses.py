"""What a training makes small, by its word in a recipe; called as `torch.nn.functional.cross_entropy` is."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional


@runtime_checkable
class Loss(Protocol):
    """(logits, classes) -> the mean over the examples, or with `reduction="none"` the loss of each."""

    def __call__(
        self, logits: Tensor, y: Tensor, /, *, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> Tensor:
        """Compute it."""


def mse(
    logits: Float[Tensor, "examples classes"],
    y: Int64[Tensor, " examples"],
    /,
    *,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Squared distance of the outputs to the one-hot class, summed over the classes (Belkin et al. 2018, section 3).

    With `label_smoothing` that share of the target is spread evenly over all classes.
    """
    classes = logits.shape[1]
    targets = functional.one_hot(y, classes) * (1 - label_smoothing) + label_smoothing / classes
    losses = (logits - targets).square().sum(1)
    return losses.mean() if reduction == "mean" else losses


LOSSES: Mapping[str, Loss] = {"cross_entropy": functional.cross_entropy, "mse": mse}

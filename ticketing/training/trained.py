"""What a training made; trains nothing."""

from dataclasses import dataclass

from torch import Tensor

from ticketing.training.state import CurvePoint


@dataclass(frozen=True)
class Trained:
    """What a training made. States are whole state dicts on the CPU, every pruned entry +0.0 or what it holds.

    With `training.ema`, `final` and `best` are of the averaged weights; `captured` never is.
    """

    final: dict[str, Tensor]
    """After the last update."""
    best: dict[str, Tensor]
    """At `early_stop_step`."""
    curve: tuple[CurvePoint, ...]
    """Every evaluation of the validation split under the last mask, oldest first; never empty."""
    captured: dict[int, dict[str, Tensor]]
    """After the steps that were asked for."""
    updates: int
    """Made by this training, earlier attempts at it included."""
    outgrown: tuple[CurvePoint, ...] = ()
    """Evaluations before the last pruning, where it pruned on the way."""

    @property
    def early_stop(self) -> CurvePoint:
        """The first evaluation at the minimum validation loss."""
        return min(self.curve, key=lambda point: point.loss)

    @property
    def early_stop_step(self) -> int:
        """Updates of the schedule made at the first evaluation at the minimum validation loss."""
        return self.early_stop.step

    @property
    def censored(self) -> bool:
        """Whether the minimum is at the last evaluation: the true one may lie beyond it."""
        return self.early_stop.step == self.curve[-1].step

"""What one training came to, as the report tells it; knows neither weights nor files."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor

from ticketing.training.evaluation import Evaluation
from ticketing.training.state import CurvePoint
from ticketing.training.trained import Trained


@dataclass(frozen=True)
class Result:
    """A training's validation figures. Accuracies are fractions, losses mean cross-entropy in nats."""

    accuracy: float
    """At the minimum validation loss, as all figures of a level unless they say `last`."""
    loss: float
    early_stop_step: int
    """Updates made at the first evaluation at the minimum validation loss."""
    censored: bool
    """Whether that is the last evaluation: then the step is a bound, not a figure."""
    last_accuracy: float
    last_loss: float
    updates: int
    seconds: float
    train_accuracy: float | None = None
    """Of the weights after the last update, on the labels trained on; None where nobody looked."""
    train_loss: float | None = None
    multiply_adds: int | None = None
    """Of one forward pass of one example as it ran, where pruned entries were left out; None where none were."""

    @classmethod
    def of(cls, trained: Trained, *, seconds: float, multiply_adds: int | None = None) -> "Result":
        """Sum up a training that took `seconds`, all attempts together."""
        best, last = trained.early_stop, trained.curve[-1]
        return cls(
            accuracy=best.accuracy,
            loss=best.loss,
            early_stop_step=best.step,
            censored=trained.censored,
            last_accuracy=last.accuracy,
            last_loss=last.loss,
            updates=trained.updates,
            seconds=seconds,
            multiply_adds=multiply_adds,
        )

    def fitting(self, train: Evaluation) -> "Result":
        """Add how well the last weights do on the train split."""
        return replace(self, train_accuracy=train.accuracy, train_loss=train.loss)

    def as_json(self) -> dict[str, Any]:
        """Write it as a journal's facts."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Result":
        """Read back what `as_json` wrote; other facts beside it are left aside."""
        return cls(**{name: facts[name] for name in cls.__dataclass_fields__ if name in facts})


def curve_tensor(curve: tuple[CurvePoint, ...]) -> Float64[Tensor, "points 3"]:
    """Write a curve as a tensor: step, loss, accuracy."""
    return torch.tensor(curve, dtype=torch.float64).reshape(-1, 3)


def curve_of(tensor: Float64[Tensor, "points 3"]) -> tuple[CurvePoint, ...]:
    """Read back what `curve_tensor` wrote."""
    return tuple(CurvePoint(int(step), loss, accuracy) for step, loss, accuracy in tensor.tolist())


def first_step_at(curve: tuple[CurvePoint, ...], loss: float) -> int | None:
    """Give the first evaluated step with a validation loss of at most `loss`; None when there is none."""
    return next((point.step for point in curve if point.loss <= loss), None)

"""Everything a training needs to go on where it stood; knows no files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from ticketing.errors import CheckpointError
from ticketing.subject import at_home


class CurvePoint(NamedTuple):
    """One evaluation of the validation split."""

    step: int
    loss: float
    """Mean cross-entropy in nats."""
    accuracy: float
    """Fraction right, in [0, 1]."""


@dataclass(frozen=True)
class TrainingState:
    """A training between two updates. All tensors on the CPU, contiguous, owned by this state."""

    step: int
    """Updates of the whole schedule made so far; the next one has this number."""
    order: dict[str, int]
    """Where the sampler stands (`Order.state`)."""
    state: dict[str, Tensor]
    """Weights and buffers."""
    moments: dict[str, Tensor]
    optimizer_steps: int
    curve: tuple[CurvePoint, ...] = ()
    best: dict[str, Tensor] | None = None
    """Weights and buffers at the minimum validation loss so far."""
    captured: dict[int, dict[str, Tensor]] = field(default_factory=dict)
    """Weights and buffers after the steps that were asked for."""
    average: dict[str, Tensor] = field(default_factory=dict)
    """Averaged weights and buffers; empty where nothing is averaged."""
    loss_scale: dict[str, Tensor] = field(default_factory=dict)
    """Where the scaling of the loss stands; empty where it is not scaled."""
    mask: dict[str, Tensor] = field(default_factory=dict)
    """Packed (`Mask.pack`), of a training that prunes on the way; empty where the mask stays as it was given."""
    outgrown: tuple[CurvePoint, ...] = ()
    """Evaluations under masks it had before."""

    def to_tensors(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Write it as named tensors and plain JSON values; `from_tensors` reads both back equal."""
        groups = {"state": self.state, "moments": self.moments, "best": self.best or {}}
        groups |= {"average": self.average, "loss_scale": self.loss_scale, "mask": self.mask}
        groups |= {f"captured-{step}": state for step, state in self.captured.items()}
        tensors = {f"{group}/{name}": t for group, named in groups.items() for name, t in named.items()}
        facts = {
            "step": self.step,
            "order": self.order,
            "optimizer_steps": self.optimizer_steps,
            "curve": [list(point) for point in self.curve],
            "outgrown": [list(point) for point in self.outgrown],
            "captured": list(self.captured),
        }
        return tensors, facts

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> "TrainingState":
        """Read back what `to_tensors` wrote.

        Raises:
            CheckpointError: A fact is missing, or a tensor belongs to no part of a training.
        """
        try:
            captured = [int(step) for step in facts["captured"]]
            groups: dict[str, dict[str, Tensor]] = {"state": {}, "moments": {}, "best": {}}
            groups |= {"average": {}, "loss_scale": {}, "mask": {}}
            groups |= {f"captured-{step}": {} for step in captured}
            for full_name, tensor in tensors.items():
                group, name = full_name.split("/", 1)
                groups[group][name] = tensor
            return cls(
                step=facts["step"],
                order=dict(facts["order"]),
                state=groups["state"],
                moments=groups["moments"],
                optimizer_steps=facts["optimizer_steps"],
                curve=tuple(CurvePoint(*point) for point in facts["curve"]),
                best=groups["best"] or None,
                captured={step: groups[f"captured-{step}"] for step in captured},
                average=groups["average"],
                loss_scale=groups["loss_scale"],
                mask=groups["mask"],
                outgrown=tuple(CurvePoint(*point) for point in facts.get("outgrown", ())),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"expected the parts of a training, got {sorted(facts)}: {error!r}") from None


def copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy named tensors to the CPU, contiguous."""
    return {name: at_home(tensor) for name, tensor in tensors.items()}


def copy_into(own: Mapping[str, Tensor], saved: Mapping[str, Tensor], *, what: str) -> None:
    """Write what was saved into tensors of the same names and shapes, wherever they lie.

    Raises:
        CheckpointError: Other names or shapes.
    """
    expected, came = ({name: tuple(t.shape) for name, t in given.items()} for given in (own, saved))
    if expected != came:
        raise CheckpointError(f"expected {what} {expected}, got {came}")
    for name, tensor in own.items():
        tensor.copy_(saved[name])

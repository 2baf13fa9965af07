"""What the plan of every search says, as the API answers it; computes nothing."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """What will be run and what it costs; each search adds its own fields."""

    levels: int
    """Number of the last one; level 0 is the first."""
    steps_per_epoch: int
    steps_per_training: int
    trainings: int
    updates: int
    """Of all trainings together."""
    training_flops: int
    """Of all trainings, dense kernels of the whole network; a multiply-add counts as two."""
    estimated_seconds: dict[str, float | None]
    """Per device kind; None where no rate was measured."""
    test_resolution: float
    """The smallest accuracy difference (fraction) the test split can show."""
    warnings: list[dict[str, str]]
    resolved_recipe: dict[str, Any]

    @property
    def effort(self) -> float:
        """What all updates take together, in those of a usual one."""
        return float(self.updates)

    def effort_of(self, level: int) -> float:
        """Say what an update of a level takes, in those of a usual one."""
        return 1.0

    def as_json(self) -> dict[str, Any]:
        """Give the plan as the API answers it."""
        return asdict(self)

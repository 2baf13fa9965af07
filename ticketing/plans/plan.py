"""What a run of the iterative search will be, as the API answers it; computes nothing."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Plan:
    """What will be run and what it costs."""

    layers: list[dict[str, Any]]
    ladder: list[dict[str, Any]]
    levels: int
    steps_per_epoch: int
    steps_per_training: int
    trainings: int
    """At most, where `evidence.max_replicates` lets the certificate grow; so are the costs below."""
    updates: int
    """Of all trainings together."""
    training_flops: int
    """Of all trainings, dense kernels of the whole network; a multiply-add counts as two."""
    search: dict[str, Any]
    """The part of it that is the search, beside what it were with levels of the whole length."""
    at_most: bool
    """Whether trainings, updates and cost are bounds: what the run finds may end it sooner."""
    estimated_seconds: dict[str, float | None]
    """Per device kind; None where no rate was measured."""
    test_resolution: float
    """The smallest accuracy difference (fraction) the test split can show."""
    warnings: list[dict[str, str]]
    resolved_recipe: dict[str, Any]
    at_least: dict[str, int] | None = None
    """Trainings and updates if the first look decides; None where the number of replicates is fixed."""
    start: dict[str, Any] | None = None
    """Of a fork: whose level it starts from, which, and in how many of its searches."""
    gradual: dict[str, Any] | None = None
    """Of a training that prunes on the way: after which updates, and what is kept then."""
    budget: dict[str, Any] | None = None
    """What the budget of one search leaves of it."""

    def as_json(self) -> dict[str, Any]:
        """Give the plan as the API answers it."""
        return asdict(self)

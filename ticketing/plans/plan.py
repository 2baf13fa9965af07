"""What a run of the iterative search will be, as the API answers it; computes nothing."""

from dataclasses import dataclass
from typing import Any

from ticketing.plans.run_plan import RunPlan


@dataclass(frozen=True, kw_only=True)
class Plan(RunPlan):
    """What will be run and what it costs."""

    layers: list[dict[str, Any]]
    ladder: list[dict[str, Any]]
    search: dict[str, Any]
    """The part of it that is the search, beside what it were with levels of the whole length."""
    at_most: bool
    """Whether trainings, updates and cost are bounds: what the run finds may end it sooner."""
    at_least: dict[str, int] | None = None
    """Trainings and updates if the first look decides; None where the number of replicates is fixed."""
    start: dict[str, Any] | None = None
    """Of a fork: whose level it starts from, which, and in how many of its searches."""
    gradual: dict[str, Any] | None = None
    """Of a training that prunes on the way: after which updates, and what is kept then."""
    structure: dict[str, Any] | None = None
    """With N:M: entries kept of every block by level, and of every layer whether it is divided, and why not."""
    channels: dict[str, Any] | None = None
    """Where channels are removed: how many every level keeps, which compete, which layers keep theirs and why. Which
    there are is known where the network is built; until then the shares alone, and `kept` of the ladder is None."""
    budget: dict[str, Any] | None = None
    """What the budget of one search leaves of it."""

    @property
    def effort_of_search(self) -> float:
        """What the updates of the search take together."""
        return float(self.search["updates"])

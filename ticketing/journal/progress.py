"""How far a whole run is, seen from one training of it; knows updates and what they take, trains nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ticketing.folder import EventType
from ticketing.journal.where import Where
from ticketing.observer import Observer
from ticketing.plans import AnyPlan
from ticketing.plans.early_bird import EarlyBirdPlan
from ticketing.plans.plan import Plan


@dataclass
class RunProgress:
    """Counts the effort of updates over all trainings and attempts, and tells the run's observer."""

    observer: Observer
    clock: Callable[[], float]
    """Monotonic, in seconds."""
    plan: AnyPlan
    done: float = 0.0
    """Of finished trainings, and of the unfinished one in earlier attempts; in updates as the plan weighs them."""
    total: float = 0.0
    """Of the whole run: as planned, or less once a search ended sooner than its plan allows."""
    _began: tuple[float, float] | None = None
    _told: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with what is planned."""
        self.total = self.plan.effort

    def searched(self) -> None:
        """Take from the plan what the searches, now done, could have trained and did not."""
        if isinstance(self.plan, Plan | EarlyBirdPlan) and self.plan.at_most:
            self.total = self.done + self.plan.effort - self.plan.effort_of_search

    def skip(self, where: Where, updates: int) -> None:
        """Count updates of a training that are made, in this attempt or before it."""
        self.done += updates * self.plan.effort_of(where.level)

    def inside(self, where: Where, *, begins_at: int) -> Observer:
        """Give the observer for a training that begins at a step: what it says of itself is put into the run."""
        return _Inside(self, where, begins_at)

    def tell(self, where: Where, *, step: int, steps_total: int, updates: int) -> None:
        """Say how far the run is, `updates` into its current training in this attempt."""
        now, done = self.clock(), self.done + updates * self.plan.effort_of(where.level)
        since, before = self._began = self._began or (now, done)
        total = max(self.total, done)
        self._told = {
            "fraction": done / total,
            "level": where.level,
            "levels_total": self.plan.levels,
            "epoch": step // self.plan.steps_per_epoch,
            "epochs_total": -(-steps_total // self.plan.steps_per_epoch),
            "step": step,
            "steps_total": steps_total,
            "replicate": where.replicate,
            "branch": where.branch,
            "seconds_remaining": (now - since) / (done - before) * (total - done) if done > before else None,
        }
        self.observer.progress(**self._told)

    def repeat(self) -> None:
        """Say again what was said last, for whoever takes silence for a run that hangs; nothing before the first."""
        if self._told:
            self.observer.progress(**self._told)


@dataclass
class _Inside:
    """Stands between a training and the run's observer."""

    run: RunProgress
    where: Where
    begins_at: int

    def emit(self, word: EventType, /, **data: Any) -> None:
        self.run.observer.emit(word, **data)

    def progress(self, **data: Any) -> None:
        self.run.tell(self.where, updates=data["step"] - self.begins_at, **data)

    def stop_requested(self) -> bool:
        return self.run.observer.stop_requested()

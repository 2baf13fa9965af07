"""A run under way: what of it is finished, what is said of it, and when it is saved; trains nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ticketing.folder import EventType
from ticketing.journal.checkpoint import Unfinished
from ticketing.journal.invariants import Invariants
from ticketing.journal.journal import Journal
from ticketing.journal.progress import RunProgress
from ticketing.journal.results import Result, curve_tensor
from ticketing.journal.where import Where
from ticketing.observer import Observer, Stopped
from ticketing.plans import AnyPlan
from ticketing.training.trained import Trained

INVARIANTS = "run/invariants"
"""The journal's name for how often each promise was checked, earlier attempts included."""


@dataclass(kw_only=True)
class Underway:
    """The journal of a run and its observer, kept in step: every fact said is saved before it can be lost."""

    journal: Journal
    observer: Observer
    invariants: Invariants
    clock: Callable[[], float]
    """Monotonic, in seconds."""
    checkpoint_seconds: float
    plan: AnyPlan
    progress: RunProgress = field(init=False)
    _saved_at: float = field(default=float("-inf"), init=False)
    _unsaved: Where | None = field(default=None, init=False)
    """What was finished last, where no checkpoint holds it yet."""
    _phase: str = field(default="", init=False)

    def __post_init__(self) -> None:
        """Begin to count updates."""
        self.progress = RunProgress(self.observer, self.clock, self.plan)

    @property
    def per_epoch(self) -> int:
        """Updates in an epoch."""
        return self.plan.steps_per_epoch

    @property
    def levels_total(self) -> int:
        """Pruned levels of the ladder; also the number of the last one."""
        return self.plan.levels

    def passed(self, where: Where) -> bool:
        """Say whether a training is finished, and count what it made; one taken over made nothing in this run."""
        if where.piece not in self.journal.facts:
            return False
        if not self.inherited(where):
            self.progress.skip(where, self.result(where).updates)
        return True

    def inherited(self, where: Where) -> bool:
        """Say whether a finished training was taken over from a parent."""
        return bool(self.journal.facts[where.piece].get("inherited", False))

    def reused(self, where: Where) -> bool:
        """Say whether a finished training was not made here, for a parent had made the same one."""
        return bool(self.journal.facts[where.piece].get("reused", False))

    def result(self, where: Where) -> Result:
        """Give the result of a training that is finished."""
        return Result.from_json(self.journal.facts[where.piece])

    def record(
        self, where: Where, result: Result, trained: Trained, tensors: Mapping[str, Tensor] | None = None
    ) -> None:
        """Keep a finished training in the journal: its result, its curve, and what else later pieces need."""
        kept = {"curve": curve_tensor(trained.curve), **(tensors or {})}
        self.journal.record(where.piece, result.as_json(), kept)

    def save(self, where: Where, unfinished: Unfinished | None = None) -> None:
        """Write a checkpoint and say so: every fact said before is then as durable as it."""
        self.journal.record(INVARIANTS, self.invariants.checked)
        saved = self.journal.save(where, unfinished)
        self._saved_at, self._unsaved = self.clock(), None
        self.say("checkpoint_saved", **saved.as_json())

    def between(self, where: Where, *, least_seconds: float = 0.0) -> None:
        """Save between two trainings, and stop here if asked to.

        Args:
            where: What was finished last.
            least_seconds: Do not save when the last checkpoint is younger than this.

        Raises:
            Stopped: The observer asked to stop.
        """
        self._unsaved = where
        stopping = self.observer.stop_requested()
        if stopping or self.clock() - self._saved_at >= least_seconds:
            self.save(where)
        if stopping:
            raise Stopped(f"stopped after {where.piece}")

    def save_the_rest(self) -> None:
        """Save what no checkpoint holds yet: whoever goes on from the last one then trains nothing again."""
        if self._unsaved is not None:
            self.save(self._unsaved)

    def still_there(self) -> None:
        """Say again how far the run is, where networks are timed, and stop here if asked to.

        Nothing is saved: between two trainings all is by then, and within one its last checkpoint stands.

        Raises:
            Stopped: The observer asked to stop.
        """
        self.progress.repeat()
        if self.observer.stop_requested():
            raise Stopped("stopped while networks were timed")

    def phase(self, phase: str) -> None:
        """Say what the run is at, if that is new."""
        if phase != self._phase:
            self._phase = phase
            self.say("phase", phase=phase)

    def say(self, word: EventType, **data: Any) -> None:
        """Say a fact to whoever runs this."""
        self.observer.emit(word, **data)

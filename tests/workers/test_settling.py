"""workers.settling: every way a run can end without a result means one thing for its job."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from jobs.leases import Failed, Outcome, Stopped
from workers.settling import settle
from workers.supervisor import Ending
from workers.work import Work


class Heart:
    def __init__(self, *, refused: bool) -> None:
        self.refused = refused


class Written:
    """An attempt that only remembers what was written of its end."""

    def __init__(self, *, refused: bool = False) -> None:
        self.heart = Heart(refused=refused)
        self.released: list[tuple[str, bool]] = []
        self.finished: list[Outcome] = []

    def release(self, reason: str, *, strike: bool) -> None:
        self.released.append((reason, strike))

    def finish(self, outcome: Outcome) -> None:
        self.finished.append(outcome)


def settled(ending: Ending, *, refused: bool = False) -> Written:
    written = Written(refused=refused)
    settle(cast(Work, written), ending)
    return written


@pytest.mark.parametrize(
    ("ending", "released"),
    [
        (Ending("lost"), ("lease_late", False)),
        (Ending("drained"), ("drained", False)),
        (Ending("crashed"), ("worker_lost", True)),
        (Ending("crashed", no_room=True), ("disk_full", True)),
        (Ending("stalled"), ("stalled", True)),
    ],
)
def test_a_run_that_may_end_otherwise_next_time_gives_its_job_back(ending: Ending, released: tuple[str, bool]) -> None:
    written = settled(ending)
    assert (written.released, written.finished) == ([released], [])


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (Ending("failed", "no longer finite", {"code": "diverged"}), "diverged"),
        (Ending("failed", "no reason", {}), "failed"),
        (Ending("violated", "expected an event"), "protocol_violation"),
        (Ending("exhausted", "killed"), "out_of_memory"),
        (Ending("overrun"), "running_time_exceeded"),
    ],
)
def test_a_run_that_would_end_the_same_fails_its_job_and_is_not_repeated(ending: Ending, code: str) -> None:
    (outcome,) = settled(ending).finished
    assert isinstance(outcome, Failed)
    error: Mapping[str, Any] = outcome.error
    assert (error["code"], outcome.retry) == (code, False)
    assert error["detail"]


def test_what_a_stopped_run_means_is_for_the_database_to_say() -> None:
    assert settled(Ending("stopped")).finished == [Stopped()]


def test_of_a_job_that_another_attempt_holds_nothing_is_written() -> None:
    written = settled(Ending("lost"), refused=True)
    assert (written.released, written.finished) == ([], [])

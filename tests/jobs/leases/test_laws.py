"""jobs.leases, as laws: whatever slots, sweeps and clients do in whatever order, a job keeps its promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jobs import counters
from jobs.errors import CancelledFirstError, InvalidTransitionError, LeaseLostError
from jobs.events import DONE_TYPES, NewEvent
from jobs.leases import (
    MAX_STRIKES,
    Checkpoint,
    Failed,
    Lease,
    NewLevel,
    Outcome,
    Stopped,
    Succeeded,
    beat,
    commit,
    finish,
    release,
    request_cancel,
    request_pause,
    request_resume,
    requeue,
)
from jobs.tables import attempt, checkpoint, level

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

OWNERS = ("slot-1", "slot-2", "slot-3")
SUCCEEDED = Succeeded(artifacts=(), gate=None, best=None, cost={}, summary={"sparsity": 0.5})
OUTCOMES = (SUCCEEDED, Failed({"code": "x"}), Failed({"code": "x"}, retry=True), Stopped())
NEWEST_FIRST = st.integers(0, 4)


@dataclass
class Expected:
    """What must be true of a job, by the rules written down in states.py."""

    state: str = "queued"
    attempt: int = 0
    strikes: int = 0
    cancel: bool = False
    pause: bool = False
    furthest: int = 0

    def strike(self) -> None:
        if self.cancel or self.pause:
            self.back()
            return
        self.strikes += 1
        self.state = "failed" if self.strikes == MAX_STRIKES else "queued"

    def back(self) -> None:
        self.state = "cancelled" if self.cancel else "paused" if self.pause else "queued"


@dataclass
class Held:
    """A lease somebody was given once, and the checkpoint its run would write next."""

    lease: Lease
    number: int


@dataclass
class Believed:
    leases: list[Held] = field(default_factory=list)
    stale: int = 0


class Life(RuleBasedStateMachine):
    """Three slots that may all believe to hold the same job, a client, a sweep, and time."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        self.jobs: dict[str, Expected] = {}
        self.believed = Believed()

    @initialize()
    def inputs_are_ready(self) -> None:
        self.bench.ready()

    @precondition(lambda self: len(self.jobs) < 5)
    @rule()
    def submit(self) -> None:
        self.bench.elapse(1)  # no two jobs are of the same age
        self.jobs[self.bench.submit()] = Expected()

    @rule(owner=st.sampled_from(OWNERS), fall_back=st.booleans())
    def claim(self, owner: str, fall_back: bool) -> None:
        self.bench.elapse(10)  # the delay before a third attempt is over
        taken = self.bench.claim(owner)
        waiting = [job_id for job_id, expected in self.jobs.items() if expected.state == "queued"]
        if taken is None:
            assert waiting == []
            return
        expected = self.jobs[taken.lease.job_id]
        assert taken.lease.job_id == waiting[0], "the oldest first"
        assert taken.lease.attempt == expected.attempt + 1
        numbers = [found.number for found in taken.checkpoints]
        assert numbers == list(range(expected.furthest, 0, -1))[:2]
        expected.attempt += 1
        expected.state = "running"
        done = numbers[1] if fall_back and len(numbers) == 2 else expected.furthest
        self.believed.leases.append(Held(taken.lease, done + 1))

    @precondition(lambda self: self.believed.leases)
    @rule(pick=NEWEST_FIRST)
    def beat(self, pick: int) -> None:
        held, expected = self._pick(pick)
        orders = self._fenced(held, lambda: beat(self.bench.db, held.lease, ttl_seconds=60, progress={"fraction": 0.5}))
        if orders is not None:
            assert (orders.cancel_requested, orders.pause_requested) == (expected.cancel, expected.pause)

    @precondition(lambda self: self.believed.leases)
    @rule(pick=NEWEST_FIRST, times=st.integers(1, 3))
    def commit(self, pick: int, times: int) -> None:
        held, expected = self._pick(pick)
        for _ in range(times):
            if self._fenced(held, lambda: self._commit_next(held)) is None:
                break
            if held.number > expected.furthest:
                expected.furthest, expected.strikes = held.number, 0
            held.number += 1

    def _commit_next(self, held: Held) -> int:
        n = held.number
        facts = {"replicate": 0, "level": n}
        return commit(
            self.bench.db,
            held.lease,
            events=[
                NewEvent("job.mask_drawn", facts),
                NewEvent("job.phase", {"phase": "train_level"}),
                NewEvent("job.level_completed", facts),
                NewEvent("job.checkpoint_saved", {"number": n}),
            ],
            checkpoint=Checkpoint(n, f"{n:064x}", 10, {"level": n}, {}),
            levels=[NewLevel(0, n, 10, 100, 0.9, {})],
        )

    @rule(owner=st.sampled_from(OWNERS), fall_back=st.booleans(), times=st.integers(0, 3))
    def take_over(self, owner: str, fall_back: bool, times: int) -> None:
        """What follows a lost machine, in one go: else few attempts but the first get anywhere."""
        self.sweep(expired=True)
        self.claim(owner, fall_back)
        if self.believed.leases:
            self.commit(0, times)

    @precondition(lambda self: self.believed.leases)
    @rule(pick=NEWEST_FIRST, outcome=st.sampled_from(OUTCOMES))
    def finish(self, pick: int, outcome: Outcome) -> None:
        held, expected = self._pick(pick)
        if outcome is SUCCEEDED and expected.cancel and self._current(held):
            with pytest.raises(CancelledFirstError):
                finish(self.bench.db, held.lease, outcome=outcome)
        elif self._fenced(held, lambda: finish(self.bench.db, held.lease, outcome=outcome) or True):
            if outcome == Stopped() or expected.cancel:
                expected.back()
            elif isinstance(outcome, Failed) and outcome.retry:
                expected.strike()
            else:
                expected.state = "succeeded" if outcome is SUCCEEDED else "failed"

    @precondition(lambda self: self.believed.leases)
    @rule(pick=NEWEST_FIRST, strike=st.booleans())
    def give_back(self, pick: int, strike: bool) -> None:
        held, expected = self._pick(pick)
        if self._fenced(held, lambda: release(self.bench.db, held.lease, reason="drained", strike=strike) or True):
            if strike:
                expected.strike()
            else:
                expected.back()

    @precondition(lambda self: self.jobs)
    @rule(pick=NEWEST_FIRST)
    def pause(self, pick: int) -> None:
        job_id, expected = self._job(pick)
        if expected.state not in ("queued", "running", "paused") or expected.cancel:
            with pytest.raises(InvalidTransitionError):
                request_pause(self.bench.db, tenant=self.bench.tenant, job_id=job_id, pause_seconds=1e6)
            return
        answer = request_pause(self.bench.db, tenant=self.bench.tenant, job_id=job_id, pause_seconds=1e6)
        expected.pause = True
        if expected.state == "queued":
            expected.state = "paused"
        assert answer == ("pausing" if expected.state == "running" else "paused")

    @precondition(lambda self: self.jobs)
    @rule(pick=NEWEST_FIRST)
    def resume(self, pick: int) -> None:
        job_id, expected = self._job(pick)
        if not expected.pause or expected.state not in ("running", "paused") or expected.cancel:
            with pytest.raises(InvalidTransitionError):
                request_resume(self.bench.db, tenant=self.bench.tenant, job_id=job_id)
            return
        answer = request_resume(self.bench.db, tenant=self.bench.tenant, job_id=job_id)
        expected.pause = False
        if expected.state == "paused":
            expected.state = "queued"
        assert answer == expected.state

    @precondition(lambda self: self.jobs)
    @rule(pick=NEWEST_FIRST)
    def recall(self, pick: int) -> None:
        job_id, expected = self._job(pick)
        if expected.state != "running":
            with pytest.raises(InvalidTransitionError):
                requeue(self.bench.db, job_id=job_id)
            return
        requeue(self.bench.db, job_id=job_id)
        expected.back()

    @precondition(lambda self: self.jobs)
    @rule(pick=NEWEST_FIRST)
    def cancel(self, pick: int) -> None:
        job_id, expected = self._job(pick)
        if expected.state in ("succeeded", "failed"):
            with pytest.raises(InvalidTransitionError):
                request_cancel(self.bench.db, tenant=self.bench.tenant, job_id=job_id)
            return
        answer = request_cancel(self.bench.db, tenant=self.bench.tenant, job_id=job_id)
        if expected.state in ("queued", "paused"):
            expected.state = "cancelled"
        expected.cancel = True
        assert answer == ("cancelling" if expected.state == "running" else "cancelled")

    @rule(expired=st.booleans())
    def sweep(self, expired: bool) -> None:
        if expired:
            self.bench.expire()
            for expected in self.jobs.values():
                if expected.state == "running":
                    expected.strike()
        self.bench.sweep()

    @invariant()
    def every_job_is_where_it_should_be(self) -> None:
        for job_id, expected in self.jobs.items():
            row = self.bench.row(job_id)
            assert (row["state"], row["attempt"]) == (expected.state, expected.attempt)
            assert (row["owner"] is None) == (row["lease_until"] is None) == (row["state"] != "running")
            if row["state"] in ("queued", "running", "paused"):
                assert row["strikes"] == expected.strikes
            assert self.bench.count(attempt, job_id=job_id) == expected.attempt
            assert self.bench.count(attempt, job_id=job_id, ended_at=None) == (expected.state == "running")

    @invariant()
    def every_log_is_gap_free_and_tells_each_fact_once(self) -> None:
        for job_id, expected in self.jobs.items():
            log = self.bench.log(job_id)
            assert [event["seq"] for event in log] == list(range(1, self.bench.row(job_id)["last_seq"] + 1))
            ends = [index for index, event in enumerate(log, start=1) if event["type"] in DONE_TYPES]
            assert ends == ([len(log)] if expected.state in ("succeeded", "failed", "cancelled") else [])
            numbers = list(range(1, expected.furthest + 1))
            saved = [event["data"]["number"] for event in log if event["type"] == "job.checkpoint_saved"]
            assert saved == numbers
            for kind in ("job.mask_drawn", "job.level_completed"):
                assert [event["data"]["level"] for event in log if event["type"] == kind] == numbers
            assert self.bench.count(level, job_id=job_id) == expected.furthest
            kept = 1 if expected.state == "succeeded" else 2  # a fork starts from the last one
            assert self.bench.count(checkpoint, job_id=job_id) == min(kept, expected.furthest)

    @invariant()
    def every_stale_write_was_counted(self) -> None:
        with self.bench.db.read() as conn:
            counted = counters.read(conn, tenant=self.bench.tenant, name=counters.STALE_WRITES_REFUSED)
        assert counted == self.believed.stale

    def _job(self, pick: int) -> tuple[str, Expected]:
        job_id = list(self.jobs)[pick % len(self.jobs)]
        return job_id, self.jobs[job_id]

    def _pick(self, pick: int) -> tuple[Held, Expected]:
        held = self.believed.leases[-1 - pick % len(self.believed.leases)]
        return held, self.jobs[held.lease.job_id]

    def _current(self, held: Held) -> bool:
        expected = self.jobs[held.lease.job_id]
        return expected.state == "running" and expected.attempt == held.lease.attempt

    def _fenced(self, held: Held, act: Callable[[], Any]) -> Any:
        if self._current(held):
            return act()
        with pytest.raises(LeaseLostError):
            act()
        self.believed.stale += 1
        return None


def test_whatever_happens_in_whatever_order(fresh_bench: Callable[[], Bench]) -> None:
    run_state_machine_as_test(
        lambda: Life(fresh_bench()),
        settings=settings(
            max_examples=20, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )

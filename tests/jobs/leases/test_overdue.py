"""jobs.leases.overdue: what took too long ends, what did not is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.clock import rfc3339
from jobs.leases import Failed, beat, finish, release, request_cancel, request_pause, request_resume

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

LIMIT = 1000.0


def test_a_job_that_no_slot_takes_in_time_fails_and_says_so(bench: Bench) -> None:
    job_id = bench.submit(limits={"max_queued_seconds": LIMIT})
    patient = bench.submit()
    bench.elapse(LIMIT - 60)
    assert bench.sweep().failed == ()
    bench.elapse(120)
    assert bench.sweep().failed == (job_id,)
    assert bench.row(job_id)["error"]["code"] == "queue_time_exceeded"
    assert (bench.row(job_id)["attempt"], bench.state(patient)) == (0, "queued")


def test_a_job_does_not_wait_before_it_may_start(bench: Bench) -> None:
    with bench.db.read() as conn:
        later = rfc3339(bench.db.now(conn) + LIMIT)
    job_id = bench.submit(limits={"max_queued_seconds": LIMIT}, not_before=later)
    bench.ready()
    assert bench.claim() is None
    bench.elapse(1.5 * LIMIT)
    assert bench.sweep().failed == ()
    bench.elapse(LIMIT)
    assert bench.sweep().failed == (job_id,)


def test_each_wait_counts_by_itself_and_a_pause_is_none(bench: Bench) -> None:
    bench.ready()
    job_id = bench.submit(limits={"max_queued_seconds": LIMIT})
    for _ in range(3):
        bench.elapse(LIMIT - 60)
        request_pause(bench.db, tenant="ada", job_id=job_id, pause_seconds=100 * LIMIT)
        bench.elapse(2 * LIMIT)
        assert bench.sweep().failed == ()
        request_resume(bench.db, tenant="ada", job_id=job_id)
        assert bench.sweep().failed == ()


def test_a_worker_is_told_when_its_job_has_run_long_enough_all_attempts_together(bench: Bench) -> None:
    lease = bench.running(limits={"max_running_seconds": LIMIT}).lease
    bench.elapse(0.6 * LIMIT)
    assert not beat(bench.db, lease, ttl_seconds=60).overrun
    release(bench.db, lease, reason="drained", strike=False)
    bench.elapse(10 * LIMIT)
    lease = bench.claim().lease
    assert not beat(bench.db, lease, ttl_seconds=60).overrun
    bench.elapse(0.6 * LIMIT)
    assert beat(bench.db, lease, ttl_seconds=60).overrun


@pytest.mark.parametrize(("cancel", "state"), [(False, "failed"), (True, "cancelled")])
def test_a_job_whose_worker_beats_and_does_nothing_about_it_is_ended(bench: Bench, cancel: bool, state: str) -> None:
    lease = bench.running(limits={"max_running_seconds": LIMIT}).lease
    if cancel:
        request_cancel(bench.db, tenant="ada", job_id=lease.job_id)
    bench.elapse(LIMIT + 60)
    beat(bench.db, lease, ttl_seconds=60)
    assert bench.sweep().failed == (), "its worker is given time to stop"
    bench.elapse(120)
    beat(bench.db, lease, ttl_seconds=60)
    bench.sweep()
    row = bench.row(lease.job_id)
    assert (row["state"], (row["error"] or {}).get("code")) == (
        state,
        "running_time_exceeded" if state == "failed" else None,
    )


def test_a_worker_that_stops_in_time_says_so_itself(bench: Bench) -> None:
    lease = bench.running(limits={"max_running_seconds": LIMIT}).lease
    bench.elapse(LIMIT + 1)
    finish(bench.db, lease, outcome=Failed({"code": "running_time_exceeded", "detail": "stopped"}))
    assert bench.row(lease.job_id)["error"]["code"] == "running_time_exceeded"

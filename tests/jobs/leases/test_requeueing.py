"""jobs.leases.requeueing: what goes back to the queue, when it may be tried again, and when it is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.leases import MAX_STRIKES, release, request_cancel

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench


def test_a_drained_job_goes_back_without_a_strike(bench: Bench) -> None:
    lease = bench.running().lease
    for _ in range(MAX_STRIKES + 1):
        release(bench.db, lease, reason="drained", strike=False)
        row = bench.row(lease.job_id)
        assert (row["state"], row["reason"], row["strikes"], row["owner"]) == ("queued", "drained", 0, None)
        lease = bench.claim().lease
    assert bench.row(lease.job_id)["reason"] is None
    assert "job.worker_lost" not in bench.types(lease.job_id)


def test_a_strike_is_told_and_tried_again_at_once(bench: Bench) -> None:
    lease = bench.running().lease
    release(bench.db, lease, reason="stalled", strike=True)
    last = bench.log(lease.job_id)[-1]
    assert (last["type"], last["data"]) == ("job.worker_lost", {"reason": "stalled", "strikes": 1})
    assert bench.claim() is not None


def test_the_attempt_after_a_second_strike_waits(bench: Bench) -> None:
    lease = bench.running().lease
    for _ in range(2):
        release(bench.db, lease, reason="stalled", strike=True, retry_delay_seconds=5)
        lease = (again := bench.claim()) and again.lease
    assert lease is None
    bench.elapse(5.1)
    assert bench.claim().lease.attempt == 3


@pytest.mark.parametrize(("reason", "code"), [("stalled", "worker_lost"), ("disk_full", "disk_full")])
def test_the_third_strike_is_the_last_and_says_why(reason: str, code: str, bench: Bench) -> None:
    lease = bench.running().lease
    for _ in range(MAX_STRIKES):
        job_id = lease.job_id
        release(bench.db, lease, reason=reason, strike=True, retry_delay_seconds=0)
        lease = (again := bench.claim()) and again.lease
    row = bench.row(job_id)
    assert (row["state"], row["strikes"], row["error"]["code"]) == ("failed", 3, code)
    assert reason in row["error"]["detail"]
    assert bench.types(job_id)[-2:] == ["job.worker_lost", "job.failed"]


def test_a_job_given_back_after_a_cancel_is_cancelled(bench: Bench) -> None:
    for strike in (True, False):
        lease = bench.running().lease
        request_cancel(bench.db, tenant="ada", job_id=lease.job_id)
        release(bench.db, lease, reason="drained", strike=strike)
        assert bench.state(lease.job_id) == "cancelled"


def test_an_inspection_that_loses_its_worker_three_times_refuses_what_it_looked_at(bench: Bench) -> None:
    job_id = bench.submit()
    for _ in range(MAX_STRIKES):
        inspection = bench.claim(kinds=("inspect",))
        release(bench.db, inspection.lease, reason="stalled", strike=True, retry_delay_seconds=0)
    row = bench.row(job_id)
    assert (row["state"], row["error"]["code"], row["attempt"]) == ("failed", "dataset_refused", 0)

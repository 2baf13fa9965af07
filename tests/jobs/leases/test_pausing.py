"""jobs.leases.pausing: a waiting job waits at once, a running one frees its slot, and any slot goes on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.errors import NotFoundError
from jobs.leases import Checkpoint, Stopped, beat, commit, finish, request_cancel, request_pause, request_resume

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

DAY = 86400.0


def pause(bench: Bench, job_id: str, tenant: str = "ada") -> str:
    return request_pause(bench.db, tenant=tenant, job_id=job_id, pause_seconds=DAY)


def resume(bench: Bench, job_id: str, tenant: str = "ada") -> str:
    return request_resume(bench.db, tenant=tenant, job_id=job_id)


def test_a_waiting_job_is_paused_at_once_and_once_and_nobody_claims_it(bench: Bench) -> None:
    bench.ready()
    job_id = bench.submit()
    assert [pause(bench, job_id), pause(bench, job_id)] == ["paused", "paused"]
    assert bench.types(job_id) == ["job.queued", "job.paused"]
    assert bench.claim() is None
    assert resume(bench, job_id) == "queued"
    assert bench.claim().lease.job_id == job_id
    assert bench.types(job_id) == ["job.queued", "job.paused", "job.resumed", "job.queued"]


def test_a_running_job_is_told_stops_and_goes_on_elsewhere_from_its_checkpoint(bench: Bench) -> None:
    lease = bench.running().lease
    assert [pause(bench, lease.job_id), pause(bench, lease.job_id)] == ["pausing", "pausing"]
    assert beat(bench.db, lease, ttl_seconds=60).pause_requested
    commit(bench.db, lease, checkpoint=Checkpoint(1, "1" * 64, 10, {"level": 1}, {}))
    finish(bench.db, lease, outcome=Stopped())
    row = bench.row(lease.job_id)
    assert (row["state"], row["owner"], row["strikes"]) == ("paused", None, 0)
    assert bench.claim("slot-2") is None
    resume(bench, lease.job_id)
    again = bench.claim("slot-2")
    assert (again.lease.attempt, again.checkpoints[0].number) == (2, 1)
    assert bench.types(lease.job_id) == [*("job.queued", "job.pausing", "job.paused", "job.resumed", "job.queued")]


def test_a_pause_taken_back_in_time_leaves_the_worker_alone(bench: Bench) -> None:
    lease = bench.running().lease
    pause(bench, lease.job_id)
    assert resume(bench, lease.job_id) == "running"
    assert not beat(bench.db, lease, ttl_seconds=60).pause_requested


def test_asking_twice_gives_no_more_time(bench: Bench) -> None:
    job_id = bench.submit()
    pause(bench, job_id)
    before = bench.row(job_id)["pause_expires_at"]
    request_pause(bench.db, tenant="ada", job_id=job_id, pause_seconds=10 * DAY)
    assert bench.row(job_id)["pause_expires_at"] == before


def test_a_job_paused_for_too_long_is_cancelled_by_the_sweep_with_the_reason(bench: Bench) -> None:
    job_id = bench.submit()
    pause(bench, job_id)
    bench.elapse(DAY - 60)
    assert bench.sweep().cancelled == ()
    bench.elapse(120)
    assert bench.sweep().cancelled == (job_id,)
    assert bench.log(job_id)[-1]["data"] == {"reason": "pause_expired"}
    assert bench.row(job_id)["expires_at"] is not None


def test_a_cancel_outweighs_a_pause(bench: Bench) -> None:
    lease = bench.running().lease
    pause(bench, lease.job_id)
    assert request_cancel(bench.db, tenant="ada", job_id=lease.job_id) == "cancelling"
    finish(bench.db, lease, outcome=Stopped())
    assert bench.state(lease.job_id) == "cancelled"


def test_another_tenants_job_does_not_exist(bench: Bench) -> None:
    job_id = bench.submit()
    for ask in (pause, resume):
        with pytest.raises(NotFoundError):
            ask(bench, job_id, "bob")

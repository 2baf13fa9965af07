"""jobs.leases.cancelling: at once when it waits, by its worker when it runs, the same answer when asked twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.errors import InvalidTransitionError, NotFoundError
from jobs.leases import Checkpoint, Failed, NewLevel, Stopped, beat, commit, finish, request_cancel
from jobs.leases.cancelling import Keep
from jobs.tables import checkpoint, level

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench


def cancel(bench: Bench, job_id: str, tenant: str = "ada") -> str:
    return request_cancel(bench.db, tenant=tenant, job_id=job_id)


def test_a_waiting_job_is_cancelled_at_once_and_once(bench: Bench) -> None:
    job_id = bench.submit()
    assert [cancel(bench, job_id), cancel(bench, job_id)] == ["cancelled", "cancelled"]
    assert bench.types(job_id) == ["job.queued", "job.cancelled"]
    assert bench.row(job_id)["finished_at"] is not None


def test_a_running_job_goes_on_until_its_worker_has_heard(bench: Bench) -> None:
    lease = bench.running().lease
    assert [cancel(bench, lease.job_id), cancel(bench, lease.job_id)] == ["cancelling", "cancelling"]
    assert bench.state(lease.job_id) == "running"
    assert bench.types(lease.job_id) == ["job.queued", "job.cancelling"]
    assert beat(bench.db, lease, ttl_seconds=60).cancel_requested


def test_a_job_whose_worker_is_lost_is_cancelled_by_the_sweep(bench: Bench) -> None:
    lease = bench.running().lease
    cancel(bench, lease.job_id)
    bench.expire()
    assert bench.sweep().cancelled == (lease.job_id,)


def test_a_job_that_ended_otherwise_says_so(bench: Bench) -> None:
    lease = bench.running().lease
    finish(bench.db, lease, outcome=Failed({"code": "x"}))
    with pytest.raises(InvalidTransitionError) as refused:
        cancel(bench, lease.job_id)
    assert (refused.value.state, refused.value.allowed) == ("failed", ())


def test_neither_another_tenants_job_nor_an_inspection_can_be_cancelled(bench: Bench) -> None:
    job_id = bench.submit()
    inspection = bench.claim(kinds=("inspect",)).lease.job_id
    for wanted, tenant in ((job_id, "bob"), (inspection, "ada"), ("job_nobody", "ada")):
        with pytest.raises(NotFoundError):
            cancel(bench, wanted, tenant)


@pytest.mark.parametrize(("keep", "left"), [("levels", 1), ("none", 0)])
def test_what_a_cancelled_job_had_done_stays_or_goes_as_was_asked(bench: Bench, keep: Keep, left: int) -> None:
    lease = bench.running().lease
    saved = Checkpoint(1, "1" * 64, 10, {"level": 1}, {})
    commit(bench.db, lease, checkpoint=saved, levels=[NewLevel(0, 1, 10, 100, 0.9, {})])
    request_cancel(bench.db, tenant="ada", job_id=lease.job_id, keep=keep)
    assert bench.count(level, job_id=lease.job_id) == 1, "its worker may still be at it"
    finish(bench.db, lease, outcome=Stopped())
    assert [bench.count(table, job_id=lease.job_id) for table in (level, checkpoint)] == [left, left]
    assert bench.types(lease.job_id)[-1] == "job.cancelled"


def test_the_first_cancel_says_what_is_kept(bench: Bench) -> None:
    lease = bench.running().lease
    request_cancel(bench.db, tenant="ada", job_id=lease.job_id)
    request_cancel(bench.db, tenant="ada", job_id=lease.job_id, keep="none")
    assert bench.row(lease.job_id)["keep"] == "levels"

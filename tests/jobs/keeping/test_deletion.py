"""jobs.keeping.deletion: what is done goes with all that belongs to it, and nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from jobs.errors import InvalidTransitionError, NotFoundError, PartOfGridError
from jobs.keeping.deletion import delete_job
from jobs.leases import Checkpoint, NewArtifact, NewLevel, Succeeded, commit, finish, request_cancel
from jobs.tables import artifact, attempt, checkpoint, event, job, level

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

PARTS = (event, level, checkpoint, artifact, attempt)
DONE = Succeeded([NewArtifact("report.html", "b" * 64, 10)], None, None, {}, {})


def finished(bench: Bench) -> str:
    lease = bench.running().lease
    saved = Checkpoint(1, "1" * 64, 10, {"level": 1}, {})
    commit(bench.db, lease, checkpoint=saved, levels=[NewLevel(0, 1, 10, 100, 0.9, {})])
    finish(bench.db, lease, outcome=DONE)
    return lease.job_id


def test_a_finished_job_goes_with_everything_that_is_its_own(bench: Bench) -> None:
    gone, stays = finished(bench), finished(bench)
    assert all(bench.count(table, job_id=gone) for table in PARTS)
    delete_job(bench.db, tenant="ada", job_id=gone)
    assert [bench.count(table, job_id=gone) for table in PARTS] == [0] * len(PARTS)
    assert all(bench.count(table, job_id=stays) for table in PARTS)
    with pytest.raises(NotFoundError):
        delete_job(bench.db, tenant="ada", job_id=gone)


def test_a_job_that_goes_on_is_not_deleted(bench: Bench) -> None:
    running, waiting = bench.running().lease.job_id, bench.submit()
    request_cancel(bench.db, tenant="ada", job_id=running)
    for job_id, state in ((running, "cancelling"), (waiting, "queued")):
        with pytest.raises(InvalidTransitionError) as refused:
            delete_job(bench.db, tenant="ada", job_id=job_id)
        assert refused.value.state == state
        assert bench.count(job, id=job_id) == 1


def test_another_tenants_job_does_not_exist(bench: Bench) -> None:
    with pytest.raises(NotFoundError):
        delete_job(bench.db, tenant="bob", job_id=finished(bench))


def test_a_child_goes_with_its_grid_and_not_before(bench: Bench) -> None:
    child, grid = finished(bench), bench.submit()
    request_cancel(bench.db, tenant="ada", job_id=grid)
    with bench.db.write() as conn:
        conn.execute(update(job).where(job.c.id == grid).values(kind="grid"))
        conn.execute(update(job).where(job.c.id == child).values(parent_id=grid))
    with pytest.raises(PartOfGridError):
        delete_job(bench.db, tenant="ada", job_id=child)
    delete_job(bench.db, tenant="ada", job_id=grid)
    assert bench.count(job, kind="search") == bench.count(job, kind="grid") == 0

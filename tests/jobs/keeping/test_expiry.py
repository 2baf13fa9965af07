"""jobs.keeping.expiry: a done job is kept as long as the operator says, an upload until something is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from jobs import grants, marks
from jobs.blobs import Stored
from jobs.leases import Failed, Stopped, Succeeded, finish, request_cancel
from jobs.settings import Settings
from jobs.sweep import LAST_TIDY
from jobs.tables import blob_grant, counter, job, model

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

DAY = 86400.0
OUTCOMES = {
    "succeeded": Succeeded((), None, None, {}, {}),
    "failed": Failed({"code": "x"}),
    "cancelled": Stopped(),
}


def ended(bench: Bench, state: str) -> str:
    lease = bench.running().lease
    if state == "cancelled":
        request_cancel(bench.db, tenant="ada", job_id=lease.job_id)
    finish(bench.db, lease, outcome=OUTCOMES[state], retain=bench.settings.retain_seconds)
    return lease.job_id


@pytest.mark.parametrize(("state", "kept_days"), [("succeeded", None), ("failed", 30), ("cancelled", 30)])
def test_each_kind_of_end_is_kept_for_as_long_as_its_setting_says(
    bench: Bench, state: str, kept_days: float | None
) -> None:
    job_id = ended(bench, state)
    row = bench.row(job_id)
    if kept_days is None:
        assert row["expires_at"] is None
    else:
        assert row["expires_at"] - row["finished_at"] == pytest.approx(kept_days * DAY)
    bench.elapse((kept_days or 1000) * DAY - 60)
    assert bench.sweep().deleted == ()
    bench.elapse(120)
    assert bench.sweep().deleted == (() if kept_days is None else (job_id,))
    assert bench.count(job, id=job_id) == (kept_days is None)


def test_the_record_of_an_inspection_goes_and_what_it_made_ready_stays(bench: Bench) -> None:
    bench.ready()
    with bench.db.write() as conn:
        conn.execute(update(job).where(job.c.kind == "inspect").values(expires_at=job.c.finished_at))
    bench.elapse(1)
    assert len(bench.sweep().deleted) == 1
    assert bench.claim(kinds=("inspect",)) is None
    assert bench.running() is not None


def test_a_child_is_kept_with_its_grid_whatever_its_own_time(bench: Bench) -> None:
    child, grid = ended(bench, "failed"), bench.submit()
    with bench.db.write() as conn:
        conn.execute(update(job).where(job.c.id == child).values(parent_id=grid))
    bench.elapse(31 * DAY)
    assert bench.sweep().deleted == ()


def test_a_job_that_goes_on_never_expires(bench: Bench) -> None:
    bench.ready()
    job_id = bench.submit()
    bench.elapse(1000 * DAY)
    bench.sweep()
    assert bench.state(job_id) == "queued"


@pytest.mark.parametrize("used", [True, False])
def test_an_upload_is_forgotten_unless_something_was_made_of_it(bench: Bench, used: bool) -> None:
    bench.settings = Settings(home=Path("/nonexistent"), retain_upload_seconds=DAY)
    sha256 = "a" * 64
    with bench.db.write() as conn:
        grants.grant(conn, tenant="ada", stored=Stored(sha256, 10))
    job_id = bench.submit()
    with bench.db.write() as conn:
        if used:
            mine = model.c.id == bench.row(job_id)["model_id"]
            conn.execute(update(model).where(mine).values(sha256=sha256, seed=None))
        conn.execute(update(blob_grant).values(created_at=blob_grant.c.created_at - DAY - 1))
    bench.sweep()
    assert bench.count(blob_grant) == used


def test_rare_things_are_looked_for_once_an_hour(bench: Bench) -> None:
    bench.settings = Settings(home=Path("/nonexistent"), retain_upload_seconds=DAY)
    bench.sweep()
    with bench.db.write() as conn:
        grants.grant(conn, tenant="ada", stored=Stored("a" * 64, 10))
        conn.execute(update(blob_grant).values(created_at=0.0))
    bench.sweep()
    assert bench.count(blob_grant) == 1
    with bench.db.write() as conn:
        conn.execute(update(counter).where(counter.c.name == LAST_TIDY).values(value=counter.c.value - 3_601_000))
    bench.sweep()
    assert bench.count(blob_grant) == 0
    with bench.db.read() as conn:
        assert (marks.age_seconds(conn, LAST_TIDY) or 0) < 60

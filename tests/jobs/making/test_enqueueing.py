"""jobs.making.enqueueing: a queued job begins with nothing spent and its first event written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.making.enqueueing import enqueue

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench


def test_a_new_job_is_queued_unowned_and_unspent(bench: Bench) -> None:
    with bench.db.write() as conn:
        job_id = enqueue(conn, tenant="ada", kind="search")
    row = bench.row(job_id)
    kept = ("state", "attempt", "strikes", "owner", "lease_until", "queued_seconds", "running_seconds", "last_seq")
    assert [row[key] for key in kept] == ["queued", 0, 0, None, None, 0.0, 0.0, 1]
    assert row["not_before"] == row["created_at"] == row["state_since"]
    assert bench.types(job_id) == ["job.queued"]

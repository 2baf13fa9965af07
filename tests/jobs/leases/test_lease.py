"""jobs.leases.lease: a beat renews, brings back orders, and a stale one is refused and counted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from jobs import counters
from jobs.errors import LeaseLostError
from jobs.events import NewEvent
from jobs.leases import Failed, Orders, beat, commit, finish, finish_inspection, release, request_cancel

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench


def refused(bench: Bench) -> int:
    with bench.db.read() as conn:
        return counters.read(conn, tenant="ada", name=counters.STALE_WRITES_REFUSED)


def test_a_beat_renews_the_lease(bench: Bench) -> None:
    lease = bench.running().lease
    bench.elapse(50)
    beat(bench.db, lease, ttl_seconds=60)
    bench.elapse(50)
    assert bench.sweep().requeued == ()
    bench.elapse(11)
    assert bench.sweep().requeued == (lease.job_id,)


def test_a_beat_that_is_late_but_before_the_sweep_keeps_the_job(bench: Bench) -> None:
    lease = bench.running().lease
    bench.expire()
    beat(bench.db, lease, ttl_seconds=60)
    assert bench.sweep().requeued == ()


def test_a_beat_brings_back_what_the_client_wants(bench: Bench) -> None:
    lease = bench.running().lease
    assert beat(bench.db, lease, ttl_seconds=60) == Orders(cancel_requested=False, pause_requested=False)
    request_cancel(bench.db, tenant="ada", job_id=lease.job_id)
    assert beat(bench.db, lease, ttl_seconds=60) == Orders(cancel_requested=True, pause_requested=False)


def test_a_beat_shows_the_progress_and_leaves_the_log_alone(bench: Bench) -> None:
    lease = bench.running().lease
    beat(bench.db, lease, ttl_seconds=60, progress={"fraction": 0.5})
    beat(bench.db, lease, ttl_seconds=60)
    assert bench.row(lease.job_id)["progress"] == {"fraction": 0.5}
    assert bench.types(lease.job_id) == ["job.queued"]


def test_no_write_of_a_lost_lease_changes_anything_and_each_is_counted(bench: Bench) -> None:
    stale = bench.running().lease
    bench.expire()
    bench.sweep()
    bench.claim("slot-2")
    before, log = bench.row(stale.job_id), bench.types(stale.job_id)
    writes = [
        lambda: beat(bench.db, stale, ttl_seconds=60, progress={"fraction": 0.9}),
        lambda: commit(bench.db, stale, events=[NewEvent("job.phase")], phase="prune"),
        lambda: finish(bench.db, stale, outcome=Failed({"code": "x"})),
        lambda: release(bench.db, stale, reason="drained", strike=True),
        lambda: finish_inspection(bench.db, stale, refused={"code": "x"}),
    ]
    for count, write in enumerate(writes, start=1):
        with pytest.raises(LeaseLostError, match=stale.job_id):
            write()
        assert refused(bench) == count
    assert bench.row(stale.job_id) == before
    assert bench.types(stale.job_id) == log


def test_an_attempt_that_was_never_granted_holds_nothing(bench: Bench) -> None:
    lease = bench.running().lease
    with pytest.raises(LeaseLostError):
        beat(bench.db, replace(lease, attempt=2), ttl_seconds=60)

"""jobs.leases.recalling: an operator takes a job from its worker, which then writes nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.errors import InvalidTransitionError, LeaseLostError, NotFoundError
from jobs.leases import Stopped, beat, commit, finish, request_cancel, request_pause, requeue
from jobs.tables import attempt

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench


def test_a_job_goes_back_without_a_strike_and_its_worker_is_outdated(bench: Bench) -> None:
    lease = bench.running().lease
    assert requeue(bench.db, job_id=lease.job_id) == "queued"
    row = bench.row(lease.job_id)
    assert (row["reason"], row["strikes"]) == ("requeued", 0)
    assert bench.count(attempt, job_id=lease.job_id, ended_as="requeued") == 1
    for again in (None, bench.claim("slot-2")):
        assert again is None or again.lease.attempt == 2
        for write in (
            lambda: beat(bench.db, lease, ttl_seconds=60),
            lambda: commit(bench.db, lease),
            lambda: finish(bench.db, lease, outcome=Stopped()),
        ):
            with pytest.raises(LeaseLostError):
                write()


def test_what_a_client_had_asked_for_is_granted(bench: Bench) -> None:
    paused, cancelled = bench.running().lease.job_id, bench.running().lease.job_id
    request_pause(bench.db, tenant="ada", job_id=paused, pause_seconds=60)
    request_cancel(bench.db, tenant="ada", job_id=cancelled)
    assert [requeue(bench.db, job_id=job_id) for job_id in (paused, cancelled)] == ["paused", "cancelled"]


def test_an_inspection_can_be_put_back_too(bench: Bench) -> None:
    bench.submit()
    inspection = bench.claim(kinds=("inspect",)).lease
    requeue(bench.db, job_id=inspection.job_id)
    assert bench.claim(kinds=("inspect",)).lease.job_id == inspection.job_id


def test_what_does_not_run_is_left_alone_and_the_operator_is_told(bench: Bench) -> None:
    with pytest.raises(InvalidTransitionError):
        requeue(bench.db, job_id=bench.submit())
    with pytest.raises(NotFoundError):
        requeue(bench.db, job_id="job_none")

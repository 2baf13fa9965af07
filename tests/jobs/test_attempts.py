"""jobs.attempts: one row for each, how it ended, and where its log is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs import attempts
from jobs.blobs import Stored
from jobs.errors import LeaseLostError
from jobs.keeping.deletion import delete_job
from jobs.leases import Failed, Lease, finish, release
from jobs.tables import attempt

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

PRINTED = Stored("d" * 64, 120)


def log(bench: Bench, lease: Lease, *, tenant: str = "ada", number: int | None = None) -> attempts.Log | None:
    with bench.db.read() as conn:
        return attempts.log_of(conn, tenant=tenant, job_id=lease.job_id, number=number)


def test_every_claim_is_an_attempt_that_says_how_it_ended(bench: Bench) -> None:
    first = bench.running().lease
    release(bench.db, first, reason="drained", strike=False)
    second = bench.claim().lease
    finish(bench.db, second, outcome=Failed({"code": "diverged"}))
    for lease, word in ((first, "drained"), (second, "diverged")):
        assert bench.count(attempt, job_id=lease.job_id, number=lease.attempt, ended_as=word, slot_kind="cpu") == 1
    assert bench.count(attempt, job_id=first.job_id, ended_at=None) == 0


def test_a_log_can_be_kept_while_the_attempt_runs_and_after_its_end(bench: Bench) -> None:
    lease = bench.running().lease
    assert log(bench, lease) == attempts.Log(1, None)
    attempts.keep_log(bench.db, lease, Stored("e" * 64, 10))
    finish(bench.db, lease, outcome=Failed({"code": "diverged"}))
    attempts.keep_log(bench.db, lease, PRINTED)
    assert log(bench, lease) == attempts.Log(1, PRINTED)


def test_each_attempt_has_its_own_log_and_the_newest_is_shown_first(bench: Bench) -> None:
    first = bench.running().lease
    release(bench.db, first, reason="drained", strike=False)
    second = bench.claim().lease
    attempts.keep_log(bench.db, first, PRINTED)
    assert log(bench, first) == attempts.Log(2, None)
    assert log(bench, second, number=1) == attempts.Log(1, PRINTED)
    assert log(bench, second, number=3) is None


def test_nobody_keeps_a_log_of_an_attempt_that_is_not_his(bench: Bench) -> None:
    lease = bench.running().lease
    with pytest.raises(LeaseLostError):
        attempts.keep_log(bench.db, Lease(lease.job_id, 1, "slot-2", lease.tenant), PRINTED)
    finish(bench.db, lease, outcome=Failed({"code": "diverged"}))
    delete_job(bench.db, tenant="ada", job_id=lease.job_id)
    with pytest.raises(LeaseLostError):
        attempts.keep_log(bench.db, lease, PRINTED)


def test_another_tenants_log_does_not_exist(bench: Bench) -> None:
    lease = bench.running().lease
    attempts.keep_log(bench.db, lease, PRINTED)
    assert log(bench, lease, tenant="bob") is None

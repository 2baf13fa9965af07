"""jobs.idempotency: one key, one request, one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.database import Database
from jobs.errors import KeyInFlightError, KeyReusedError
from jobs.idempotency import ABANDONED_SECONDS, KEPT_SECONDS, Answer, forget, remember, reserve

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

FIRST = Answer(202, {"id": "job_1"}, {"Location": "/v1/jobs/job_1"})


def take(db: Database, *, tenant: str = "ada", key: str = "k", request: bytes = b"POST {}") -> Answer | None:
    return reserve(db, tenant=tenant, key=key, request=request)


def answer(db: Database) -> None:
    with db.write() as conn:
        remember(conn, tenant="ada", key="k", answer=FIRST)


def test_the_second_time_gives_the_first_answer(db: Database) -> None:
    assert take(db) is None
    answer(db)
    assert take(db) == FIRST
    assert take(db) == FIRST


def test_another_body_under_the_same_key_is_refused(db: Database) -> None:
    take(db)
    answer(db)
    with pytest.raises(KeyReusedError):
        take(db, request=b"POST {1}")


def test_a_second_request_while_the_first_is_answered_is_told_so(db: Database) -> None:
    take(db)
    with pytest.raises(KeyInFlightError):
        take(db)


def test_two_tenants_may_use_the_same_key(db: Database) -> None:
    take(db)
    answer(db)
    assert take(db, tenant="bob") is None


def test_a_request_that_was_refused_gives_its_key_back(db: Database) -> None:
    take(db)
    forget(db, tenant="ada", key="k")
    assert take(db, request=b"another") is None


def test_giving_up_an_answered_key_changes_nothing(db: Database) -> None:
    take(db)
    answer(db)
    forget(db, tenant="ada", key="k")
    assert take(db) == FIRST


def test_an_answer_whose_transaction_failed_was_never_given(db: Database) -> None:
    def fail_halfway() -> None:
        with db.write() as conn:
            remember(conn, tenant="ada", key="k", answer=FIRST)
            raise ZeroDivisionError

    take(db)
    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    with pytest.raises(KeyInFlightError):
        take(db)


def test_a_request_that_died_with_its_process_frees_its_key(bench: Bench) -> None:
    take(bench.db)
    bench.elapse(ABANDONED_SECONDS + 1)
    assert take(bench.db) is None


def test_an_answer_is_kept_for_a_day_and_no_longer(bench: Bench) -> None:
    take(bench.db)
    answer(bench.db)
    bench.elapse(KEPT_SECONDS - 10)
    assert take(bench.db) == FIRST
    bench.elapse(20)
    assert take(bench.db) is None

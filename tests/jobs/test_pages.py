"""jobs.pages: walking a list gives every row once, whatever is added meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from jobs.database import Database
from jobs.pages import MAX_PAGE_SIZE, Order, PageRequest, keyset
from jobs.records import Filters, Viewer, list_jobs
from jobs.tables import job
from ticketing.errors import RequestError

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

VIEWER = Viewer("ada", "", 60)
WORDS = vars(Filters()) | {"list": "jobs"}


def one_page(
    bench: Bench, *, token: str | None, size: int, order: Order = "-created_at"
) -> tuple[list[str], str | None]:
    with bench.db.read() as conn:
        page = list_jobs(conn, viewer=VIEWER, filters=Filters(), page=PageRequest(size, token, order))
    return [view.id for view in page.items], page.next_page_token


def all_of_one_age(db: Database) -> None:
    with db.write() as conn:
        conn.execute(job.update().values(created_at=1000.0))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(0, 9),
    size=st.integers(1, 4),
    newcomers=st.lists(st.integers(0, 2), max_size=9),
    same_age=st.booleans(),
    order=st.sampled_from(["-created_at", "created_at"]),
)
def test_a_walk_gives_every_row_once_in_order_whatever_is_added(
    fresh_bench: Callable[[], Bench], rows: int, size: int, newcomers: list[int], same_age: bool, order: Order
) -> None:
    bench = fresh_bench()
    before = {bench.submit() for _ in range(rows)}
    if same_age:
        all_of_one_age(bench.db)
    walked: list[str] = []
    token: str | None = None
    pages = 0
    while pages == 0 or token:
        ids, token = one_page(bench, token=token, size=size, order=order)
        walked += ids
        if order == "-created_at":
            for _ in range(newcomers.pop() if newcomers else 0):
                bench.submit()
        pages += 1
    assert set(walked) >= before
    assert len(set(walked)) == len(walked)
    ages = [(bench.row(job_id)["created_at"], job_id) for job_id in walked]
    assert ages == sorted(ages, reverse=order == "-created_at")
    assert set(walked) == before


def test_the_last_page_has_no_token(bench: Bench) -> None:
    for _ in range(4):
        bench.submit()
    _, token = one_page(bench, token=None, size=2)
    ids, token = one_page(bench, token=token, size=2)
    assert (len(ids), token) == (2, None)


@pytest.mark.parametrize(("asked", "given"), [(0, 1), (-5, 1), (50, 50), (10**6, MAX_PAGE_SIZE)])
def test_a_size_out_of_bounds_is_taken_as_the_nearest(asked: int, given: int) -> None:
    assert PageRequest(asked).rows == given


@pytest.mark.parametrize("token", ["", "x", "e30", "bnVsbA", "WzEsMl0", "\x00", "W251bGwsbnVsbCxudWxsXQ", "é"])
def test_a_token_that_is_none_of_ours_is_refused(bench: Bench, token: str) -> None:
    with pytest.raises(RequestError) as refused:
        one_page(bench, token=token, size=2)
    assert refused.value.faults[0].pointer == "/page_token"


def test_a_token_of_another_list_is_refused(bench: Bench) -> None:
    for _ in range(3):
        bench.submit()
    _, token = one_page(bench, token=None, size=2)
    with pytest.raises(RequestError, match="filters and order"):
        one_page(bench, token=token, size=2, order="created_at")


@pytest.mark.backends("sqlite")
def test_a_page_far_down_costs_what_the_first_one_does(fresh_bench: Callable[[], Bench]) -> None:
    bench = fresh_bench()
    job_id = bench.submit()
    with bench.db.write() as conn:
        row = dict(conn.execute(select(job).where(job.c.id == job_id)).mappings().one())
        conn.execute(insert(job), [row | {"id": f"job-{n:05}", "created_at": 1000.0 + n} for n in range(3000)])
        raw, steps = conn.connection.driver_connection, 0

        def count() -> int:
            nonlocal steps
            steps += 1
            return 0

        costs, token = [], None
        assert isinstance(raw, sqlite3.Connection)
        raw.set_progress_handler(count, 10)
        for _ in range(30):
            wanted = PageRequest(50, token)
            steps = 0
            conn.execute(
                keyset(
                    select(job.c.id).where(job.c.tenant == "ada", job.c.parent_id.is_(None)), job, wanted, filters=WORDS
                )
            ).all()
            costs.append(steps)
            token = list_jobs(conn, viewer=VIEWER, filters=Filters(), page=wanted).next_page_token
        raw.set_progress_handler(None, 10)
    # The first page asks for no token's place, so that it is the second one that the others are held against.
    assert max(costs[1:]) <= 1.2 * costs[1]

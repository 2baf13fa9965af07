"""jobs.retrying: what lost against others is done again and again but not for ever; what may have happened is not."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from jobs import counters, retrying
from jobs.database import Database
from jobs.retrying import TRIES, is_full, lost_a_race, retried
from jobs.tables import counter


@pytest.fixture(autouse=True)
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was slept between the tries, without sleeping it."""
    slept: list[float] = []
    monkeypatch.setattr(retrying.time, "sleep", slept.append)
    return slept


def locked(*, invalidated: bool = False) -> OperationalError:
    orig = sqlite3.OperationalError("database is locked")
    orig.sqlite_errorcode = sqlite3.SQLITE_BUSY_SNAPSHOT
    return OperationalError("UPDATE", {}, orig, connection_invalidated=invalidated)


def failing(times: int, error: Exception) -> tuple[Callable[[], str], list[int]]:
    calls: list[int] = []

    @retried
    def act() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "done"

    return act, calls


def test_what_lost_is_done_again_after_a_short_pause(naps: list[float]) -> None:
    act, calls = failing(3, locked())
    assert (act(), len(calls), len(naps)) == ("done", 4, 3)
    assert all(0 <= nap <= 1 for nap in naps)


def test_what_always_loses_is_told_in_the_end(naps: list[float]) -> None:
    act, calls = failing(100, locked())
    with pytest.raises(OperationalError, match="locked"):
        act()
    assert len(calls) == TRIES


def test_after_a_time_it_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 19.0, 21.0])
    monkeypatch.setattr(retrying.time, "monotonic", lambda: next(moments))
    monkeypatch.setattr(retrying.random, "uniform", lambda low, high: 0.1)
    act, calls = failing(100, locked())
    with pytest.raises(OperationalError):
        act()
    assert len(calls) == 2


@pytest.mark.parametrize(
    "error", [locked(invalidated=True), ZeroDivisionError(), OperationalError("", {}, Exception())]
)
def test_what_may_have_been_committed_or_would_fail_again_is_not_repeated(error: Exception) -> None:
    act, calls = failing(1, error)
    with pytest.raises(type(error)):
        act()
    assert len(calls) == 1


@pytest.mark.backends("sqlite")
def test_a_writer_that_waited_in_vain_is_tried_again(database_url: str) -> None:
    tries: list[int] = []

    @retried
    def add(db: Database) -> None:
        tries.append(1)
        if len(tries) == 3:
            release.set()
            freed.wait(10)
        with db.write() as conn:
            counters.add(conn, tenant="ada", name="x")

    def hold(db: Database) -> None:
        with db.write():
            taken.set()
            release.wait(10)
        freed.set()

    taken, release, freed = threading.Event(), threading.Event(), threading.Event()
    with closing(Database.open(f"{database_url}?timeout=0.01")) as db, ThreadPoolExecutor(1) as threads:
        holding = threads.submit(hold, db)
        taken.wait(10)
        add(db)
        holding.result()
        with db.read() as conn:
            assert (counters.read(conn, tenant="ada", name="x"), len(tries)) == (1, 3)


def bump(conn: Connection, name: str) -> None:
    conn.execute(update(counter).where(counter.c.name == name).values(value=counter.c.value + 1))


def values(db: Database) -> dict[str, int]:
    with db.read() as conn:
        return {row.name: row.value for row in conn.execute(select(counter.c.name, counter.c.value))}


@pytest.mark.backends("postgresql")
def test_of_two_that_wait_for_each_other_both_succeed_in_the_end(db: Database) -> None:
    with db.write() as conn:
        for name in ("a", "b"):
            counters.add(conn, tenant="ada", name=name)
    met = threading.Barrier(2)
    tries: list[str] = []

    @retried
    def both(order: str) -> None:
        tries.append(order)
        with db.write() as conn:
            bump(conn, order[0])
            if len(tries) <= 2:
                met.wait(10)
            bump(conn, order[1])

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(both, order) for order in ("ab", "ba")]:
            done.result()
    assert (values(db), len(tries)) == ({"a": 3, "b": 3}, 3)


@pytest.mark.backends("postgresql")
def test_a_transaction_that_could_not_be_serialized_is_done_again(db: Database) -> None:
    with db.write() as conn:
        counters.add(conn, tenant="ada", name="a")
    tries: list[int] = []

    @retried
    def add() -> None:
        tries.append(1)
        with db.write() as conn:
            conn.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
            conn.execute(select(counter)).all()
            if len(tries) == 1:
                with db.write() as other:
                    bump(other, "a")
            bump(conn, "a")

    add()
    assert (values(db), len(tries)) == ({"a": 3}, 2)


@pytest.mark.backends("sqlite")
def test_a_full_disk_is_no_lost_race(database_url: str) -> None:
    def fill(db: Database) -> Any:
        with db.write() as conn:
            conn.execute(text("PRAGMA max_page_count=1"))
            for n in range(1000):
                counters.add(conn, tenant="ada", name=f"{n}")

    assert Path(database_url.removeprefix("sqlite:///")).exists()
    with closing(Database.open(database_url)) as db, pytest.raises(DBAPIError) as raised:
        fill(db)
    assert (is_full(raised.value), lost_a_race(raised.value)) == (True, False)

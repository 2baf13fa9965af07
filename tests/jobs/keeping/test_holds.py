"""jobs.keeping.holds: one at a time, over all processes, and whoever dies keeps nobody waiting for long."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import update

from jobs import tables
from jobs.database import Database
from jobs.errors import HoldTakenError
from jobs.keeping.holds import BYTES, held


@pytest.fixture
def others(database_url: str) -> Iterator[list[Database]]:
    with ExitStack() as stack:
        opened = [Database.open(database_url) for _ in range(8)]
        for one in opened:
            stack.callback(one.close)
        yield opened


def test_nobody_else_has_it_until_it_is_let_go(others: list[Database]) -> None:
    one, other, *_ = others
    with (
        held(one, BYTES, purpose="backup"),
        pytest.raises(HoldTakenError, match="backup on"),
        held(other, BYTES, purpose="collection"),
    ):
        raise AssertionError
    with held(other, BYTES, purpose="collection"):
        pass


def test_of_many_who_want_it_at_once_one_gets_it(others: list[Database]) -> None:
    ready, done, got = threading.Barrier(len(others)), threading.Event(), []

    def want(database: Database) -> None:
        ready.wait()
        try:
            with held(database, BYTES, purpose="backup"):
                got.append(database)
                done.wait(10)
        except HoldTakenError:
            if len(others) - 1 == sum(1 for _ in refused(database)):
                done.set()

    count: list[Database] = []

    def refused(database: Database) -> list[Database]:
        count.append(database)
        return count

    threads = [threading.Thread(target=want, args=(database,)) for database in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == 1
    assert len(count) == len(others) - 1


def test_one_who_dies_loses_it_and_knows(others: list[Database]) -> None:
    one, other, *_ = others
    with held(one, BYTES, purpose="backup", seconds=600) as mine:
        with one.write() as conn:
            mine.require(conn)
            conn.execute(update(tables.hold).values(until=tables.hold.c.until - 601))
        with held(other, BYTES, purpose="collection"), one.read() as conn, pytest.raises(HoldTakenError):
            mine.require(conn)


def test_one_who_lives_keeps_it_for_longer_than_its_time(others: list[Database]) -> None:
    one, other, *_ = others
    with held(one, BYTES, purpose="backup", seconds=0.4) as mine:
        time.sleep(1.0)
        with other.read() as conn:
            mine.require(conn)
        with pytest.raises(HoldTakenError), held(other, BYTES, purpose="collection"):
            raise AssertionError

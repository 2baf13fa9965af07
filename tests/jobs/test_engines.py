"""jobs.engines: any PostgreSQL address is understood, every wait has an end, text nobody can keep stays outside."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from jobs import counters, engines
from jobs.database import Database
from jobs.errors import NotFoundError, TextError
from jobs.tables import counter

if TYPE_CHECKING:
    from tests.postgres_server import PostgresServer


@pytest.fixture
def own_server(start_postgres: Callable[..., PostgresServer]) -> Iterator[PostgresServer]:
    """A PostgreSQL that only this test uses."""
    server = start_postgres()
    yield server
    server.stop()


def one(db: Database) -> Any:
    with db.read() as conn:
        return conn.execute(text("SELECT 1")).scalar_one()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_no_other_process_can_open_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="processes can share"):
        Database.open(url)


def test_a_database_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="got mysql:"):
        Database.open("mysql://example.org/winnow")


def test_without_psycopg_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'winnow\[postgres\]'"):
        Database.open("postgresql://example.org/winnow")


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+psycopg"])
def test_every_postgresql_address_is_reached_through_psycopg(scheme: str, database_url: str) -> None:
    url = f"{scheme}:{database_url.partition(':')[2]}"
    with closing(Database.open(url)) as db:
        assert (db.kind, one(db)) == ("postgresql", 1)


def test_text_with_nul_is_never_sent_to_the_database(db: Database) -> None:
    with pytest.raises(TextError, match="NUL"), db.write() as conn:
        conn.execute(counter.insert().values(tenant="ada", name="a\0b", value=1))
    with pytest.raises(TextError, match="NUL"), db.write() as conn:
        conn.execute(counter.insert(), [{"tenant": t, "name": "x", "value": 1} for t in ("ada", "b\0b")])
    with pytest.raises(NotFoundError, match="NUL"), db.read() as conn:
        conn.execute(select(counter).where(counter.c.name == "a\0b"))
    with db.read() as conn:
        assert conn.execute(select(counter)).all() == []


@pytest.mark.backends("postgresql")
def test_a_statement_that_takes_too_long_is_ended(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_SECONDS", 1)
    with (
        closing(Database.open(database_url)) as db,
        pytest.raises(OperationalError, match="statement timeout"),
        db.read() as conn,
    ):
        conn.execute(text("SELECT pg_sleep(60)"))


@pytest.mark.backends("postgresql")
def test_a_transaction_whose_process_froze_keeps_nothing_locked(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "IDLE_SECONDS", 1)
    with closing(Database.open(database_url)) as frozen, closing(Database.open(database_url)) as other:
        with other.write() as conn:
            counters.add(conn, tenant="ada", name="x")
        thawed = False
        with pytest.raises(OperationalError), frozen.write() as conn:  # noqa: PT012
            conn.execute(select(counter).with_for_update())
            with other.write() as second:
                counters.add(second, tenant="ada", name="x")  # waits until the first was ended
            thawed = True
            conn.execute(select(counter))
        assert thawed
        with other.read() as conn:
            assert counters.read(conn, tenant="ada", name="x") == 2


@pytest.mark.processes
def test_after_a_crash_of_the_server_the_next_transaction_succeeds(own_server: PostgresServer) -> None:
    with closing(Database.open(own_server.url("postgres"))) as db:
        assert one(db) == 1
        own_server.stop()
        with pytest.raises(OperationalError):
            one(db)
        own_server.start()
        assert one(db) == 1


@pytest.mark.processes
def test_a_frozen_server_is_given_up(own_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "SILENT_SECONDS", 0.5)
    with closing(Database.open(own_server.url("postgres"))) as db:
        try:
            with pytest.raises(OperationalError, match="said nothing"), db.read() as conn:  # noqa: PT012
                conn.execute(text("SELECT 1"))
                own_server.send(signal.SIGSTOP)
                frozen_at = time.monotonic()
                conn.execute(text("SELECT 1"))
            assert time.monotonic() - frozen_at < engines.CONNECT_SECONDS
        finally:
            own_server.send(signal.SIGCONT)
        assert one(db) == 1


@pytest.mark.backends("postgresql")
def test_a_silent_statement_of_a_migration_is_waited_for(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "SILENT_SECONDS", 0.2)
    with closing(Database.open(database_url)) as db, db.read() as conn:
        with engines.unhurried(conn):
            started = time.monotonic()
            conn.execute(text("SELECT pg_sleep(0.7)"))
            assert time.monotonic() - started > 0.6
        with pytest.raises(OperationalError, match="said nothing"):
            conn.execute(text("SELECT pg_sleep(5)"))

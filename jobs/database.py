"""One open database: transactions that wait for their turn instead of failing, and its migrations."""

import fcntl
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from jobs.clock import now

BUSY_SECONDS = 15
"""How long a writer waits for the one before it."""
FOLD_BYTES = 4 << 20
"""The write-ahead log is folded into the database when it is longer than this."""


class Database:
    """Transactions on SQLite (WAL) or PostgreSQL.

    Safe to share between threads; a process that forks opens its own.
    """

    def __init__(self, engine: Engine, file: Path | None) -> None:
        self._engine = engine
        self._file = file

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the database at an SQLAlchemy URL, e.g. `sqlite:////home/me/winnow.db`; its folder exists."""
        parsed = make_url(url)
        dumps = partial(json.dumps, allow_nan=False, separators=(",", ":"))
        if parsed.get_backend_name() != "sqlite":
            return cls(create_engine(parsed, json_serializer=dumps, pool_pre_ping=True), None)
        if not parsed.database or parsed.database == ":memory:":
            raise ValueError(f"expected a database file that processes can share, got {url!r}")
        engine = create_engine(
            parsed, json_serializer=dumps, pool_size=8, max_overflow=32, connect_args={"timeout": BUSY_SECONDS}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return cls(engine, Path(parsed.database))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one moment of the database throughout and writes nothing."""
        with self._engine.connect() as conn:
            yield conn

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that commits when the block ends and leaves nothing behind when it raises."""
        with self._writing() as conn, conn.begin():
            yield conn

    @contextmanager
    def rehearse(self) -> Iterator[Connection]:
        """Open a transaction like `write` whose every change is taken back at the end."""
        with self._writing() as conn:
            yield conn
            conn.rollback()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._engine.connect() as conn:
            yield conn.execution_options(winnow_writes=True)

    @staticmethod
    def now(conn: Connection) -> float:
        """Ask the database what time it is, in seconds since 1970."""
        return now(conn)

    def migrate(self) -> None:
        """Bring the schema to the newest revision; any number of processes at once do it once.

        Raises:
            SchemaError: The database was made by a newer program.
        """
        # Alembic is needed once per process at most, and importing it takes longer than opening the database.
        from jobs.migrations import upgrade

        with self._migrating(), self.write() as conn:
            upgrade(conn)

    @contextmanager
    def _migrating(self) -> Iterator[None]:
        """Hold the migration lock; PostgreSQL takes its own inside the transaction."""
        if self._file is None:
            yield
            return
        with _lock(self._file, "migrate", wait=True):
            # Kept in the file, so that it is set here once; two connections that switch at once are told "locked".
            self._pragma("journal_mode=WAL")
            yield

    def fold(self) -> None:
        """Fold a long write-ahead log into the database, unless another process is at it.

        One at a time, and nobody does it on the way: SQLite before 3.51.3 can corrupt a log that two connections
        reset at the same instant.
        """
        if self._file is None:
            return
        log = Path(f"{self._file}-wal")
        if log.exists() and log.stat().st_size >= FOLD_BYTES:
            with _lock(self._file, "fold", wait=False) as mine:
                if mine:
                    self._pragma("wal_checkpoint(PASSIVE)")

    def _pragma(self, words: str) -> None:
        """Say a PRAGMA outside of any transaction."""
        with closing(self._engine.raw_connection()) as raw, closing(raw.cursor()) as cursor:
            cursor.execute(f"PRAGMA {words}")

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    # pysqlite's own transactions begin late and deferred; ours begin when they say so.
    connection.isolation_level = None
    for words in (
        "foreign_keys=ON",
        "synchronous=FULL",  # what was acknowledged survives a power cut
        "wal_autocheckpoint=0",  # see `Database.fold`
        f"journal_size_limit={FOLD_BYTES}",
    ):
        connection.execute(f"PRAGMA {words}")


def _begin_sqlite(conn: Connection) -> None:
    # A deferred transaction that turns into a writer fails at once when another writes; this one waits its turn.
    writes = conn.get_execution_options().get("winnow_writes", False)
    conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _lock(file: Path, purpose: str, *, wait: bool) -> Iterator[bool]:
    """Hold a lock between processes, named by a file beside the database; False when it is taken and `wait` is not."""
    with Path(f"{file}.{purpose}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True

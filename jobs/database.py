"""One open database: transactions that wait for their turn instead of failing, and its migrations."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, func, select

from jobs.clock import now
from jobs.engines import FOLD_BYTES, open_engine, unhurried
from jobs.errors import SchemaError


class Database:
    """Transactions on SQLite (WAL) or PostgreSQL.

    Safe to share between threads; a process that forks opens its own. On SQLite writers come one after another from
    their first moment on; on PostgreSQL each statement sees what was committed before it, and rows that were written
    or selected `FOR UPDATE` are held until the end. See `jobs.retrying` for transactions the database gives up.
    """

    def __init__(self, engine: Engine, file: Path | None) -> None:
        self._engine = engine
        self._file = file

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the database at an SQLAlchemy URL: `sqlite:////home/me/winnow.db` (its folder exists) or `postgresql://…`.

        Connects when it is first used.

        Raises:
            ValueError: It is neither, or one that processes cannot share.
        """
        return cls(*open_engine(url))

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one moment of the database throughout and writes nothing."""
        with self._engine.connect() as conn:
            if self._file is None:
                conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
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

        with self._migrating(), self._writing() as conn, unhurried(conn), _keys_unchecked(conn), conn.begin():
            upgrade(conn)

    def require_newest(self) -> None:
        """See that the schema is the one this program knows, for a program that does not migrate by itself.

        Raises:
            SchemaError: It is older or newer.
        """
        from jobs.migrations import require_newest

        with self.read() as conn:
            require_newest(conn)

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


def take_turns(conn: Connection, what: str) -> None:
    """Wait for the other transactions that said the same of what they do, and have later ones wait for this to end.

    Before a look that decides whether to insert: on SQLite writers take turns in everything, on PostgreSQL in this.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))


@contextmanager
def _keys_unchecked(conn: Connection) -> Iterator[None]:
    """Let a migration make a table anew: SQLite would take the rows that refer to the old one for orphans.

    It heeds this only outside of transactions, so it is said on the connection itself; afterwards everything is
    checked at once.
    """
    raw = conn.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        yield
        return
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
        if orphans := raw.execute("PRAGMA foreign_key_check").fetchall():
            raise SchemaError(f"expected every row to find what it refers to, got {len(orphans)} that do not")
    finally:
        raw.execute("PRAGMA foreign_keys=ON")


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

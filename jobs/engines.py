"""How connections to each kind of database are made and bounded in time; knows no table and no transaction of ours."""

import json
import sqlite3
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import OperationalError

from jobs.errors import NotFoundError, TextError

if TYPE_CHECKING:
    import psycopg

BUSY_SECONDS = 15
"""How long a writer waits for the one before it, and how long a statement may take."""
CONNECT_SECONDS = 5
SILENT_SECONDS = 20
"""A database that says nothing for this long, in the middle of a statement, is given up: it is frozen or cut off."""
IDLE_SECONDS = 30
"""PostgreSQL ends a transaction whose process does nothing for this long: a frozen one must not keep what it locked."""
FOLD_BYTES = 4 << 20
"""SQLite's write-ahead log is folded into the database when it is longer than this."""
_POOL = {"pool_size": 8, "max_overflow": 32, "pool_timeout": BUSY_SECONDS}
_POSTGRES_NAMES = ("postgres", "postgresql")
_dumps = partial(json.dumps, allow_nan=False, separators=(",", ":"))


def open_engine(url: str) -> tuple[Engine, Path | None]:
    """Make the engine for an SQLAlchemy URL, and name the file of an SQLite database; connects to nothing yet.

    Any `postgresql://` URL is reached through psycopg 3.

    Raises:
        ValueError: It is neither a PostgreSQL nor an SQLite database that processes can share.
    """
    parsed = make_url(url)
    kind = parsed.get_backend_name()
    if kind in _POSTGRES_NAMES:
        engine, file = _postgres(parsed.set(drivername="postgresql+psycopg")), None
    elif kind == "sqlite":
        engine, file = _sqlite(parsed), Path(parsed.database or "")
    else:
        raise ValueError(f"expected a URL that begins with sqlite: or postgresql:, got {kind}:")
    event.listen(engine, "before_cursor_execute", _refuse_nul)
    event.listen(engine, "handle_error", _tell_as_outage)
    return engine, file


def _tell_as_outage(context: ExceptionContext) -> None:
    """Raise one class for every connection that broke, whatever the driver calls the way it broke."""
    if context.is_disconnect and not isinstance(context.sqlalchemy_exception, OperationalError):
        broken = context.original_exception
        raise OperationalError(context.statement, None, broken, connection_invalidated=True) from broken


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ValueError(f"expected a database file that processes can share, got {str(url)!r}")
    waiting = {} if "timeout" in url.query else {"timeout": BUSY_SECONDS}
    engine = create_engine(url, json_serializer=_dumps, connect_args=waiting, **_POOL)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


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
def unhurried(conn: Connection) -> Iterator[None]:
    """Let what a connection does take as long as it takes, be it silent: for migrations."""
    raw: Any = conn.connection.driver_connection
    if isinstance(raw, sqlite3.Connection):
        yield
        return
    raw.unhurried = True
    try:
        yield
    finally:
        raw.unhurried = False


def _postgres(url: URL) -> Engine:
    if find_spec("psycopg") is None:
        raise ValueError("expected psycopg to reach PostgreSQL with, got none: `pip install 'winnow[postgres]'`")
    bounded = {
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": SILENT_SECONDS * 1000,  # of packets nobody acknowledges
        "keepalives_idle": CONNECT_SECONDS,
        "keepalives_interval": CONNECT_SECONDS,
        "keepalives_count": 3,
        "application_name": "winnow",
    }
    asked = {name: value for name, value in bounded.items() if name not in url.query}
    engine = create_engine(url, json_serializer=_dumps, connect_args=asked, pool_pre_ping=True, **_POOL)
    event.listen(engine, "do_connect", _connect_postgres)
    event.listen(engine, "connect", _prepare_postgres)
    return engine


def _connect_postgres(dialect: Any, record: Any, arguments: Any, options: Mapping[str, Any]) -> "psycopg.Connection":
    return _bounded_connection().connect(*arguments, **options)


def _prepare_postgres(connection: "psycopg.Connection", record: Any) -> None:
    # Said here and not in the connection's options, which a pooler between would refuse.
    wanted = {
        "statement_timeout": BUSY_SECONDS,
        "lock_timeout": BUSY_SECONDS,
        "idle_in_transaction_session_timeout": IDLE_SECONDS,
    }
    for name, seconds in wanted.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, f"{seconds}s"))
    connection.commit()


@cache
def _bounded_connection() -> "type[psycopg.Connection]":
    """Give psycopg's connection with an end to every wait; psycopg is an extra and imported when it is needed."""
    import psycopg

    class BoundedConnection(psycopg.Connection):
        unhurried = False

        def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
            return super().wait(self._bounded(gen), *arguments, **options)

        def _bounded(self, gen: "Generator[Any, Any, Any]") -> "Generator[Any, Any, Any]":
            # A server's own timeouts end nothing when the server is frozen, or on a host that can no longer be reached.
            heard = time.monotonic()
            try:
                state = next(gen)
                while True:
                    ready = yield state
                    if ready:
                        heard = time.monotonic()
                    elif not self.unhurried and time.monotonic() > heard + SILENT_SECONDS:
                        self.close()
                        raise psycopg.OperationalError(f"the database said nothing for {SILENT_SECONDS} s")
                    state = gen.send(ready)
            except StopIteration as end:
                return end.value

    return BoundedConnection


def _refuse_nul(
    conn: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> None:
    """Refuse text that PostgreSQL cannot hold, on both kinds alike and before it gets there.

    Raises:
        NotFoundError: It is looked for: nothing is called so.
        TextError: It is to be kept.
    """
    for row in parameters if executemany else (parameters,):
        values = row.values() if isinstance(row, Mapping) else row
        if any(isinstance(value, str) and "\0" in value for value in values):
            if context is not None and (context.isinsert or context.isupdate):
                raise TextError("expected text without the character NUL")
            raise NotFoundError("expected a name without the character NUL: nothing is called so")

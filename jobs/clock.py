"""The database's clock, the only one leases are measured by; seconds since 1970, as a float."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Double, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement


class db_now(FunctionElement[float]):  # noqa: N801 - reads as the SQL function it stands for
    """The database's current time inside a statement, in seconds since 1970."""

    inherit_cache = True
    type = Double()


@compiles(db_now, "sqlite")
def _on_sqlite(element: db_now, compiler: Any, **options: Any) -> str:
    # unixepoch('subsec') is NULL before SQLite 3.42.
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(db_now, "postgresql")
def _on_postgresql(element: db_now, compiler: Any, **options: Any) -> str:
    # now() would be the start of the transaction, which may have waited for a lock since.
    return "(extract(epoch from clock_timestamp())::double precision)"


def now(conn: Connection) -> float:
    """Ask the database what time it is, in seconds since 1970."""
    return float(conn.execute(select(db_now())).scalar_one())


def rfc3339(seconds: float | None) -> str | None:
    """Write a time as RFC 3339 in UTC with milliseconds, e.g. `2026-01-31T12:00:00.250Z`."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

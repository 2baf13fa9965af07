"""What every table is made with: names of constraints, JSON without NaN, and inserting what is not there yet."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, Column, Connection, Executable, MetaData, String, Table
from sqlalchemy.dialects import postgresql, sqlite

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def json_column() -> JSON:
    """Give the type of a JSON column, where None is NULL."""
    return JSON(none_as_null=True)


def tenant_column() -> Column[str]:
    """Give the column that says whose a row is."""
    return Column("tenant", String(64), nullable=False)


def insert_if_absent(conn: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose key is not there yet and leave the others as they are."""
    if rows:
        conn.execute(_insert_if_absent(conn, table), list(rows))


def is_first(conn: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Insert a row whose key is not there yet, and say whether it was: of many at the same instant one is the first.

    The others wait until the first has committed.
    """
    counted = {"preserve_rowcount": True}
    return conn.execute(_insert_if_absent(conn, table), row, execution_options=counted).rowcount == 1


def _insert_if_absent(conn: Connection, table: Table) -> Executable:
    insert = sqlite.insert(table) if conn.dialect.name == "sqlite" else postgresql.insert(table)
    return insert.on_conflict_do_nothing()

"""jobs.migrations: applied one after another they make exactly the tables that tables.py tells of."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect

from jobs.database import Database
from jobs.tables import METADATA


def test_the_newest_revision_is_what_the_tables_say(db: Database) -> None:
    with db.read() as conn:
        assert compare_metadata(MigrationContext.configure(conn, opts={"compare_type": True}), METADATA) == []


def test_every_check_of_the_tables_is_in_the_database(db: Database) -> None:
    with db.read() as conn:
        for table in METADATA.sorted_tables:
            wanted = {str(c.name) for c in table.constraints if isinstance(c, CheckConstraint)}
            assert {str(found["name"]) for found in inspect(conn).get_check_constraints(table.name)} == wanted


def test_every_table_has_a_tenant() -> None:
    assert [table.name for table in METADATA.sorted_tables if "tenant" not in table.columns] == []

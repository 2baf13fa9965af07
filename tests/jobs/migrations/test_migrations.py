"""jobs.migrations: applied one after another they make exactly the tables that tables.py tells of, and lose no row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, MetaData, Table, inspect, select, text

import jobs.migrations
from jobs import slots
from jobs.database import Database
from jobs.leases import claim
from jobs.slots import SlotIdentity
from jobs.tables import METADATA, checkpoint, event, job, slot

if TYPE_CHECKING:
    from tests.databases import Backend

SHA = "5" * 64
JOB: dict[str, Any] = {
    "id": "job_01K00000000000000000000000",
    "tenant": "default",
    "kind": "search",
    "name": "née Müller",
    "labels": {"ward": "3"},
    "priority": 7,
    "device": "any",
    "recipe": {"levels": 3},
    "resolved_recipe": {"levels": 3, "recipe_version": 1},
    "gates": {},
    "state": "queued",
    "attempt": 2,
    "strikes": 1,
    "not_before": 1.0,
    "progress": {"fraction": 0.5},
    "warnings": [],
    "queued_seconds": 1.5,
    "running_seconds": 2.5,
    "state_since": 1.0,
    "created_at": 1.0,
    "last_seq": 1,
    "version": 4,
}


@pytest.fixture
def bare(backend: Backend) -> Iterator[Database]:
    """A database without a single table."""
    url = backend.new(migrated=False)
    with closing(Database.open(url)) as database:
        yield database
    backend.drop(url)


def upgrade_to(db: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(jobs.migrations.__file__).parent))
    with db.write() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, revision)


def insert(conn: Connection, into: str, /, **values: Any) -> None:
    """Insert a row into a table as it is in the database now."""
    table = Table(into, MetaData(), autoload_with=conn)
    known = METADATA.tables[into]
    for column in table.columns:  # JSON as we write it, without what later revisions added
        column.type = known.columns[column.name].type
    conn.execute(table.insert().values(**values))


def a_house_at_the_first_revision(db: Database) -> None:
    """Rows of a service that was stopped with a job in its queue: a checkpoint, an event, a slot, a counter."""
    upgrade_to(db, "0001")
    with db.write() as conn:
        insert(conn, "blob", sha256=SHA, tenant="default", bytes=10, created_at=1.0)
        insert(conn, "job", **JOB)
        mine = {"job_id": JOB["id"], "tenant": "default", "attempt": 2, "created_at": 1.0}
        insert(conn, "checkpoint", **mine, number=3, sha256=SHA, bytes=10, where={"level": 1}, execution_key={})
        insert(conn, "event", **mine, seq=1, id="evt_1", type="job.queued", severity="info", data={}, fact=None)
        at = {"started_at": 1.0, "seen_at": 1.0}
        insert(conn, "slot", id="host:1", tenant="*", kind="cpu", sandbox="landlock", about={"pid": 1}, **at)
        insert(conn, "counter", tenant="default", name="strikes", value=1)


def rows(db: Database, table: Table) -> list[Any]:
    with db.read() as conn:
        return list(conn.execute(select(table)).mappings())


def test_the_newest_revision_is_what_the_tables_say(db: Database) -> None:
    def is_compared(it: Any, name: str, kind: str, reflected: bool, other: Any) -> bool:
        # Alembic reads no index with DESC back from SQLite; on PostgreSQL it does, and its columns are counted below.
        return not (db.kind == "sqlite" and name == "ix_job_queue")

    with db.read() as conn:
        compared = MigrationContext.configure(conn, opts={"compare_type": True, "include_object": is_compared})
        assert compare_metadata(compared, METADATA) == []


def test_every_check_of_the_tables_is_in_the_database(db: Database) -> None:
    with db.read() as conn:
        for table in METADATA.sorted_tables:
            wanted = {str(c.name) for c in table.constraints if isinstance(c, CheckConstraint)}
            assert {str(found["name"]) for found in inspect(conn).get_check_constraints(table.name)} == wanted


def test_every_foreign_key_of_the_tables_is_in_the_database(db: Database) -> None:
    with db.read() as conn:
        for table in METADATA.sorted_tables:
            wanted = {(str(key.name), key.ondelete) for key in table.foreign_key_constraints}
            found = inspect(conn).get_foreign_keys(table.name)
            assert {(str(key["name"]), key["options"].get("ondelete")) for key in found} == wanted


def test_every_index_is_in_the_database_in_its_order(db: Database) -> None:
    with db.read() as conn:
        for table in METADATA.sorted_tables:
            wanted = {str(index.name): len(index.expressions) for index in table.indexes}
            found = {
                str(i["name"]): i for i in inspect(conn).get_indexes(table.name) if not i.get("duplicates_constraint")
            }
            found = {name: index for name, index in found.items() if not name.startswith("uq_")}
            lengths = {name: len(i.get("expressions") or i["column_names"]) for name, i in found.items()}
            assert lengths == wanted


def test_every_table_has_a_tenant() -> None:
    assert [table.name for table in METADATA.sorted_tables if "tenant" not in table.columns] == []


def test_the_second_revision_keeps_every_row_and_gives_new_columns_their_meaning(bare: Database) -> None:
    a_house_at_the_first_revision(bare)
    bare.migrate()
    [kept] = rows(bare, job)
    assert {name: kept[name] for name in JOB} == JOB
    added = {name: kept[name] for name in ("children_open", "recipe_version", "checkpoint_version", "paused_seconds")}
    assert added == {"children_open": 0, "recipe_version": 1, "checkpoint_version": 0, "paused_seconds": 0.0}
    assert [(row["number"], row["where"]) for row in rows(bare, checkpoint)] == [(3, {"level": 1})]
    assert [row["type"] for row in rows(bare, event)] == ["job.queued"]
    [slot_row] = rows(bare, slot)
    assert (slot_row["about"], slot_row["host"], slot_row["uploads"]) == ({"pid": 1}, "", 1)


def test_what_the_first_revision_left_in_the_queue_runs_after_the_second(bare: Database) -> None:
    a_house_at_the_first_revision(bare)
    bare.migrate()
    identity = SlotIdentity("new:1", ("cpu",), "landlock")
    with bare.write() as conn:
        slots.announce(conn, identity, about={})
    taken = claim(bare, slot=identity, ttl_seconds=60)
    assert taken is not None
    assert (taken.lease.job_id, taken.lease.attempt, taken.checkpoints[0].number) == (JOB["id"], 3, 3)


def test_after_the_second_revision_rows_still_point_to_what_they_belong_to(bare: Database) -> None:
    a_house_at_the_first_revision(bare)
    bare.migrate()
    with bare.write() as conn:
        conn.execute(job.delete())
    assert (rows(bare, checkpoint), rows(bare, event)) == ([], [])
    with pytest.raises(Exception, match=r"(?i)check"), bare.write() as conn:
        conn.execute(job.insert().values(JOB | {"kind": "party"}))


def test_a_migration_that_fails_halfway_changes_nothing(bare: Database) -> None:
    a_house_at_the_first_revision(bare)
    with bare.write() as conn:
        conn.execute(text("CREATE TABLE login (taken INTEGER)"))  # in the way of the second revision
    with pytest.raises(Exception, match="login"):
        bare.migrate()
    with bare.read() as conn:
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["0001"]
        assert "parent_id" not in {column["name"] for column in inspect(conn).get_columns("job")}

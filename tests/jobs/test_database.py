"""jobs.database: writers take turns instead of failing, what is not committed never was, the schema is made once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from jobs import counters, migrations
from jobs.database import FOLD_BYTES, Database
from jobs.errors import SchemaError
from jobs.tables import METADATA, counter, is_first

if TYPE_CHECKING:
    from tests.databases import Backend

HEAD = "0002"
ADD_FIFTY = """
import sys
from sqlalchemy import select
from jobs import counters
from jobs.database import Database
from jobs.tables import counter
db = Database.open(sys.argv[1])
for _ in range(50):
    with db.write() as conn:
        value = conn.execute(select(counter.c.value).with_for_update()).scalar_one()
        counters.add(conn, tenant="ada", name="x")
        assert counters.read(conn, tenant="ada", name="x") == value + 1
"""
MIGRATE = """
import sys
from jobs.database import Database
sys.stdin.read(1)
Database.open(sys.argv[1]).migrate()
"""


@pytest.fixture
def bare(backend: Backend) -> Iterator[str]:
    """The address of a database without a single table."""
    url = backend.new(migrated=False)
    yield url
    backend.drop(url)


def value(db: Database) -> int:
    with db.read() as conn:
        return counters.read(conn, tenant="ada", name="x")


def add(db: Database) -> None:
    with db.write() as conn:
        counters.add(conn, tenant="ada", name="x")


def revisions(url: str) -> Any:
    with closing(Database.open(url)) as db, db.read() as conn:
        return conn.execute(text("SELECT version_num FROM alembic_version")).scalars().all()


def at_once(number: int, act: Callable[[], Any]) -> list[Any]:
    gate = threading.Barrier(number)

    def do(_: int) -> Any:
        gate.wait()
        return act()

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(do, range(number)))


def test_threads_that_write_at_once_wait_for_each_other(db: Database) -> None:
    def add_fifty() -> None:
        for _ in range(50):
            add(db)

    at_once(8, add_fifty)
    assert value(db) == 400


def test_of_many_that_insert_one_key_at_once_one_is_the_first(db: Database) -> None:
    def insert() -> bool:
        with db.write() as conn:
            return is_first(conn, counter, {"tenant": "ada", "name": "x", "value": 0})

    assert sorted(at_once(8, insert)) == [False] * 7 + [True]


@pytest.mark.processes
def test_processes_that_read_what_they_hold_and_then_write_it_wait_for_each_other(database_url: str) -> None:
    with closing(Database.open(database_url)) as db:
        add(db)
        children = [subprocess.Popen([sys.executable, "-c", ADD_FIFTY, database_url]) for _ in range(4)]
        assert [child.wait(60) for child in children] == [0, 0, 0, 0]
        assert value(db) == 201


@pytest.mark.processes
def test_f24_processes_that_migrate_at_once_do_it_once(bare: str) -> None:
    children = [subprocess.Popen([sys.executable, "-c", MIGRATE, bare], stdin=subprocess.PIPE) for _ in range(3)]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()  # off they go
    assert [child.wait(60) for child in children] == [0, 0, 0]
    assert revisions(bare) == [HEAD]


def test_f24_whoever_migrates_waits_until_another_has_ended(bare: str) -> None:
    with closing(Database.open(bare)) as first, closing(Database.open(bare)) as second:
        with ThreadPoolExecutor(1) as threads:
            with first._migrating(), first.write() as conn:
                migrations.upgrade(conn)
                other = threads.submit(second.migrate)
                with pytest.raises(TimeoutError):
                    other.result(0.5)
            other.result(60)
        second.require_newest()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(database_url: str) -> None:
    with closing(Database.open(database_url)) as db:
        with db.write() as conn:
            conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        for refused in (db.migrate, db.require_newest):
            with pytest.raises(SchemaError, match=rf"revision {HEAD} or before, got 9999"):
                refused()
    assert revisions(database_url) == ["9999"]


def test_a_program_that_does_not_migrate_refuses_an_older_database(bare: str) -> None:
    with closing(Database.open(bare)) as db:
        with pytest.raises(SchemaError, match="winnow-server migrate"):
            db.require_newest()
        db.migrate()
        db.require_newest()


def test_migrating_twice_changes_nothing(db: Database) -> None:
    add(db)
    db.migrate()
    assert value(db) == 1


def test_a_block_that_raises_leaves_nothing_behind(db: Database) -> None:
    def fail_halfway() -> None:
        with db.write() as conn:
            counters.add(conn, tenant="ada", name="x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert value(db) == 0


def test_a_rehearsal_sees_its_own_writes_and_leaves_nothing_behind(db: Database) -> None:
    with db.rehearse() as conn:
        counters.add(conn, tenant="ada", name="x")
        assert counters.read(conn, tenant="ada", name="x") == 1
    assert value(db) == 0


def test_a_reader_sees_one_moment_throughout_and_holds_up_no_writer(db: Database) -> None:
    with db.read() as reader:
        before = counters.read(reader, tenant="ada", name="x")
        add(db)
        assert counters.read(reader, tenant="ada", name="x") == before
    assert value(db) == 1


def _sees_what_the_one_before_it_wrote(db: Database, first_look: Any) -> bool:
    """Have a second transaction begin with a look while a first one is at work; say whether it saw the end of it."""
    seen: list[int] = []

    def look() -> None:
        with db.write() as conn:
            seen.append(conn.execute(first_look).scalar_one())

    add(db)
    with db.write() as conn:
        conn.execute(select(counter.c.value).with_for_update())
        waiting = threading.Thread(target=look)
        waiting.start()
        waiting.join(0.2)
        counters.add(conn, tenant="ada", name="x")
    waiting.join()
    return seen == [2]


def test_a_row_taken_for_update_is_seen_as_the_one_before_left_it(db: Database) -> None:
    assert _sees_what_the_one_before_it_wrote(db, select(counter.c.value).with_for_update())


@pytest.mark.backends("sqlite")
def test_on_sqlite_a_write_transaction_is_the_only_one_from_its_first_moment(db: Database) -> None:
    assert _sees_what_the_one_before_it_wrote(db, select(counter.c.value))


def test_what_points_to_nothing_is_refused(db: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), db.write() as conn:
        conn.execute(METADATA.tables["blob_grant"].insert().values(tenant="ada", sha256="0" * 64, created_at=0.0))


@pytest.mark.backends("sqlite")
def test_a_committed_write_is_on_disk_in_a_log_beside_the_database(db: Database) -> None:
    with db.read() as conn:
        assert conn.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert conn.execute(text("PRAGMA synchronous")).scalar_one() == 2


@pytest.mark.backends("sqlite")
def test_a_long_log_is_folded_into_the_database(database_url: str) -> None:
    file = Path(database_url.removeprefix("sqlite:///"))
    log = Path(f"{file}-wal")
    with closing(Database.open(database_url)) as db:
        for n in range(2):
            with db.write() as conn:
                junk = {"id": f"s{n}", "tenant": "*", "kind": "cpu", "sandbox": "x", "started_at": 0.0, "seen_at": 0.0}
                conn.execute(METADATA.tables["slot"].insert().values(**junk, about={"junk": "x" * FOLD_BYTES}))
        assert log.stat().st_size > FOLD_BYTES
        before = file.stat().st_size
        db.fold()
        assert file.stat().st_size > before + FOLD_BYTES


def test_importing_it_loads_no_alembic() -> None:
    code = "import sys, jobs.database, jobs.leases; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0

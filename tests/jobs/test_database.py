"""jobs.database: writers take turns instead of failing, what is not committed never was, the schema is made once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from jobs import counters
from jobs.database import FOLD_BYTES, Database
from jobs.errors import SchemaError
from jobs.tables import METADATA

ADD_FIFTY = """
import sys
from jobs import counters
from jobs.database import Database
db = Database.open(sys.argv[1])
for _ in range(50):
    with db.write() as conn:
        value = counters.read(conn, tenant="ada", name="x")
        counters.add(conn, tenant="ada", name="x")
        assert counters.read(conn, tenant="ada", name="x") == value + 1
"""
MIGRATE = """
import sys
from jobs.database import Database
sys.stdin.read(1)
Database.open(sys.argv[1]).migrate()
"""


def value(db: Database) -> int:
    with db.read() as conn:
        return counters.read(conn, tenant="ada", name="x")


def url_of(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/new.db"


def test_threads_that_write_at_once_wait_for_each_other(db: Database) -> None:
    def add_fifty() -> None:
        for _ in range(50):
            with db.write() as conn:
                counters.add(conn, tenant="ada", name="x")

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(add_fifty) for _ in range(8)]:
            done.result()
    assert value(db) == 400


@pytest.mark.processes
def test_processes_that_read_and_then_write_wait_for_each_other(tmp_path: Path) -> None:
    url = url_of(tmp_path)
    db = Database.open(url)
    db.migrate()
    children = [subprocess.Popen([sys.executable, "-c", ADD_FIFTY, url]) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    assert value(db) == 200
    db.close()


@pytest.mark.processes
def test_processes_that_migrate_at_once_do_it_once(tmp_path: Path) -> None:
    url = url_of(tmp_path)
    children = [subprocess.Popen([sys.executable, "-c", MIGRATE, url], stdin=subprocess.PIPE) for _ in range(3)]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()  # off they go
    assert [child.wait(60) for child in children] == [0, 0, 0]
    db = Database.open(url)
    with db.read() as conn:
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["0001"]
    db.close()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(db: Database) -> None:
    with db.write() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaError, match=r"revision 0001 or before, got 9999"):
        db.migrate()
    with db.read() as conn:
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["9999"]


def test_migrating_twice_changes_nothing(db: Database) -> None:
    with db.write() as conn:
        counters.add(conn, tenant="ada", name="x")
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
        with db.write() as writer:
            counters.add(writer, tenant="ada", name="x")
        assert counters.read(reader, tenant="ada", name="x") == before
    assert value(db) == 1


def test_a_write_transaction_is_the_only_one_from_its_first_moment(db: Database) -> None:
    seen: list[int] = []

    def look() -> None:
        with db.write() as conn:
            seen.append(counters.read(conn, tenant="ada", name="x"))

    with db.write() as conn:
        waiting = threading.Thread(target=look)
        waiting.start()
        waiting.join(0.1)
        counters.add(conn, tenant="ada", name="x")
    waiting.join()
    assert seen == [1]


def test_what_points_to_nothing_is_refused(db: Database) -> None:
    with pytest.raises(Exception, match="FOREIGN KEY"), db.write() as conn:
        conn.execute(METADATA.tables["blob_grant"].insert().values(tenant="ada", sha256="0" * 64, created_at=0.0))


def test_a_committed_write_is_on_disk_in_a_log_beside_the_database(db: Database) -> None:
    with db.read() as conn:
        assert conn.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert conn.execute(text("PRAGMA synchronous")).scalar_one() == 2


def test_a_long_log_is_folded_into_the_database(tmp_path: Path) -> None:
    db = Database.open(url_of(tmp_path))
    db.migrate()
    log = Path(f"{tmp_path}/new.db-wal")
    for n in range(2):
        with db.write() as conn:
            junk = {"id": f"s{n}", "tenant": "*", "kind": "cpu", "sandbox": "x", "started_at": 0.0, "seen_at": 0.0}
            conn.execute(METADATA.tables["slot"].insert().values(**junk, about={"junk": "x" * FOLD_BYTES}))
    assert log.stat().st_size > FOLD_BYTES
    before = (tmp_path / "new.db").stat().st_size
    db.fold()
    assert (tmp_path / "new.db").stat().st_size > before + FOLD_BYTES
    db.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_no_other_process_can_open_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="processes can share"):
        Database.open(url)


def test_importing_it_loads_no_alembic() -> None:
    code = "import sys, jobs.database, jobs.leases; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0

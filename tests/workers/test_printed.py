"""workers.printed: what an attempt printed is kept where every machine can read it, and never at a job's cost."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jobs import attempts
from jobs.blobs import BlobFolder
from jobs.database import Database
from jobs.leases import Lease, claim
from jobs.making.enqueueing import enqueue
from jobs.slots import SlotIdentity
from workers.printed import KEEP_SECONDS, Printed

SLOT = SlotIdentity("slot", ("cpu",), "landlock")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database.open(database_url)) as database:
        yield database


@pytest.fixture
def lease(database: Database) -> Lease:
    with database.write() as conn:
        enqueue(conn, tenant="default", kind="search")
    claimed = claim(database, slot=SLOT, ttl_seconds=60)
    assert claimed is not None
    return claimed.lease


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "blobs")


def kept(database: Database, blobs: BlobFolder, lease: Lease) -> bytes | None:
    with database.read() as conn:
        log = attempts.log_of(conn, tenant="default", job_id=lease.job_id, number=lease.attempt)
    assert log is not None
    if log.stored is None:
        return None
    with blobs.open(log.stored.sha256) as file:
        return file.read()


def test_what_was_printed_so_far_is_kept_and_later_what_was_added(
    database: Database, blobs: BlobFolder, lease: Lease, tmp_path: Path
) -> None:
    printed = Printed(database, blobs, lease, tmp_path / "log")
    printed.keep()
    assert kept(database, blobs, lease) is None
    printed.path.write_bytes(b"step 1\n")
    printed.keep()
    assert kept(database, blobs, lease) == b"step 1\n"
    printed.path.write_bytes(b"step 1\nstep 2\n")
    printed.keep()
    assert kept(database, blobs, lease) == b"step 1\nstep 2\n"


def test_while_it_runs_it_is_kept_only_now_and_then(
    database: Database, blobs: BlobFolder, lease: Lease, tmp_path: Path
) -> None:
    now = [0.0]
    printed = Printed(database, blobs, lease, tmp_path / "log", clock=lambda: now[0])
    for second, expected in ((0.0, b"x"), (KEEP_SECONDS - 1, b"x"), (KEEP_SECONDS, b"xxx")):
        now[0] = second
        with printed.path.open("ab") as file:
            file.write(b"x")
        printed.keep_sometimes()
        assert kept(database, blobs, lease) == expected


def test_a_log_that_cannot_be_kept_ends_nothing(
    database: Database, blobs: BlobFolder, lease: Lease, tmp_path: Path
) -> None:
    (tmp_path / "log").write_bytes(b"step 1\n")
    stranger = Lease(lease.job_id, lease.attempt, "another slot", lease.tenant)
    Printed(database, blobs, stranger, tmp_path / "log").keep()
    assert kept(database, blobs, lease) is None

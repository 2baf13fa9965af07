"""workers.standing: a slot says why it takes no jobs, takes none meanwhile, and is listed as long as it lives."""

import errno
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import delete

from jobs import slots
from jobs.database import Database
from jobs.leases import claim
from jobs.making.enqueueing import enqueue
from jobs.slots import SlotIdentity
from jobs.tables import slot
from workers.standing import Standing, is_want_of_room, no_room, said_no_room

SLOT = SlotIdentity("slot", ("cpu",), "landlock", "here")
ANY_DISK_IS_FULLER, NO_DISK_IS_FULLER = 1e-9, 1.1


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database.open(database_url)) as database:
        yield database


class Gate:
    """A slot's standing, and what it was told of it."""

    def __init__(self, database: Database, folder: Path, high_water: float = NO_DISK_IS_FULLER) -> None:
        self.told: list[bool] = []
        self.standing = Standing(
            database, SLOT, about={"threads": 1}, folders=[folder], high_water=high_water, changed=self.told.append
        )

    def open(self) -> bool:
        return self.standing.open()


def listed(database: Database) -> dict[str, object]:
    with database.read() as conn:
        (row,) = slots.listed(conn, within_seconds=60)
    return row


def test_a_slot_is_announced_when_it_first_looks_and_again_when_it_was_forgotten(
    database: Database, tmp_path: Path
) -> None:
    gate = Gate(database, tmp_path)
    assert gate.open()
    with database.write() as conn:
        conn.execute(delete(slot))
    assert gate.open()
    assert (listed(database)["id"], listed(database)["host"]) == ("slot", "here")


def test_a_full_disk_is_said_and_no_job_is_taken_until_there_is_room(database: Database, tmp_path: Path) -> None:
    with database.write() as conn:
        enqueue(conn, tenant="default", kind="search")
    full = Gate(database, tmp_path, ANY_DISK_IS_FULLER)
    assert not full.open()
    assert full.told == [False]
    assert listed(database)["blocked"] == "disk_full"
    assert claim(database, slot=SLOT, ttl_seconds=60) is None
    roomy = Gate(database, tmp_path)
    assert roomy.open()
    assert listed(database)["blocked"] is None
    assert claim(database, slot=SLOT, ttl_seconds=60) is not None


def test_one_full_disk_of_several_is_enough(database: Database, tmp_path: Path) -> None:
    gone = tmp_path / "gone"  # never full
    for folders in ([tmp_path, gone], [gone, tmp_path]):
        standing = Standing(
            database, SLOT, about={}, folders=folders, high_water=ANY_DISK_IS_FULLER, changed=lambda is_open: None
        )
        assert not standing.open()


def test_a_slot_that_is_to_drain_takes_nothing(database: Database, tmp_path: Path) -> None:
    gate = Gate(database, tmp_path)
    assert gate.open()
    with database.write() as conn:
        assert slots.request_drain(conn, host="here") == ("slot",)
    assert not gate.open()
    assert not gate.open()
    assert gate.told == [False]


def test_as_long_as_nothing_changes_nobody_is_told(database: Database, tmp_path: Path) -> None:
    gate = Gate(database, tmp_path)
    assert [gate.open() for _ in range(3)] == [True] * 3
    assert gate.told == []


def test_room_is_measured_against_the_high_water_mark(tmp_path: Path) -> None:
    assert no_room(tmp_path, high_water=ANY_DISK_IS_FULLER)
    assert not no_room(tmp_path, high_water=NO_DISK_IS_FULLER)
    assert not no_room(tmp_path / "gone", high_water=ANY_DISK_IS_FULLER)


def test_want_of_room_is_told_from_other_faults() -> None:
    assert is_want_of_room(OSError(errno.ENOSPC, "No space left on device"))
    assert is_want_of_room(OSError(errno.EDQUOT, "Disk quota exceeded"))
    assert not is_want_of_room(OSError(errno.EACCES, "Permission denied"))
    assert not is_want_of_room(ValueError("No space left on device"))
    assert said_no_room(b"OSError: [Errno 28] No space left on device: '/checkpoint'\n")
    assert not said_no_room(b"OSError: [Errno 13] Permission denied\n")

"""workers.clearing: folders of attempts nobody holds are removed, and no other."""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jobs.database import Database
from jobs.enqueueing import enqueue
from jobs.leases import claim
from jobs.slots import SlotIdentity
from workers.clearing import PROBE_SECONDS, clear_abandoned


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database.open(f"sqlite:///{tmp_path / 'winnow.db'}")) as database:
        database.migrate()
        yield database


def test_the_running_attempt_is_left_alone_and_the_others_go(database: Database, tmp_path: Path) -> None:
    with database.write() as conn:
        enqueue(conn, tenant="default", kind="search")
    running = claim(database, slot=SlotIdentity("slot", ("cpu",), "landlock"), ttl_seconds=60)
    assert running is not None
    job_id = running.lease.job_id
    attempts = tmp_path / "attempts"
    for name in (f"{job_id}-1", f"{job_id}-0", "job_00000000000000000000000000-1", "not an attempt"):
        (attempts / name / "out").mkdir(parents=True)
    assert clear_abandoned(database, attempts) == ["job_00000000000000000000000000-1", f"{job_id}-0"]
    assert sorted(path.name for path in attempts.iterdir()) == sorted([f"{job_id}-1", "not an attempt"])


def test_a_probe_that_was_cut_short_long_ago_goes_and_one_that_may_be_at_work_stays(
    database: Database, tmp_path: Path
) -> None:
    for name in ("probe-old", "probe-new"):
        (tmp_path / "attempts" / name).mkdir(parents=True)
    long_ago = time.time() - 2 * PROBE_SECONDS
    os.utime(tmp_path / "attempts" / "probe-old", (long_ago, long_ago))
    assert clear_abandoned(database, tmp_path / "attempts") == ["probe-old"]

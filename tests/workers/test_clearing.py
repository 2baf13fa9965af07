"""workers.clearing: folders of attempts nobody holds are removed, and no other."""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jobs.database import Database
from jobs.leases import claim
from jobs.making.enqueueing import enqueue
from jobs.slots import SlotIdentity
from workers.clearing import LOG_SECONDS, PROBE_SECONDS, clear_abandoned, clear_old_logs


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database.open(database_url)) as database:
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


def test_the_log_of_an_attempt_goes_a_week_after_its_last_word_and_those_of_processes_stay(tmp_path: Path) -> None:
    attempt, process = tmp_path / "job_01K00000000000000000000000-1.log", tmp_path / "slot-cpu-0.log"
    for log in (attempt, process):
        log.write_text("step 1\n")
    written_at = attempt.stat().st_mtime
    assert clear_old_logs(tmp_path, now=lambda: written_at + LOG_SECONDS - 1) == []
    assert clear_old_logs(tmp_path, now=lambda: written_at + LOG_SECONDS + 1) == [attempt.name]
    assert [path.name for path in tmp_path.iterdir()] == [process.name]

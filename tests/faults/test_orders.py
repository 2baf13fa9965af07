"""What clients and operators want of a running job: pause, cancel, its time limit, drain; real slots and signals."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from jobs import attempts, leases, slots, tables
from jobs.blobs import open_blobs
from jobs.waiting import queue
from service.operating.draining import drain

if TYPE_CHECKING:
    from jobs.leases.cancelling import Keep
    from tests.faults.conftest import House

pytestmark = pytest.mark.processes

RECIPE = {"levels": 3, "steps": 10, "step_seconds": 0.1}
EVERY_STEP = [f"step {level} {step}" for level in range(3) for step in range(10)]
WEEK = 7 * 86400.0
NOTHING = {"level": 0, "checkpoint": 0}
SAVES_NOTHING = """
import json, os, signal, sys, time
def say(word, **data): os.write(3, json.dumps({"type": word, "data": data}).encode() + b"\\n")
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(5))
say("started", execution_key={})
say("level_completed", replicate=0, level=0, kept=9, total=9, sparsity=0.0, validation_accuracy=0.5)
print("step 0 2", flush=True)
time.sleep(600)
"""


def inside_level(house: House, job_id: str, level: int) -> None:
    """Wait until a few steps of a level were made."""
    house.wait_until(lambda: f"step {level} 2" in house.printed_steps(job_id), seconds=30, what=f"level {level}")


def pause(house: House, job_id: str) -> None:
    assert leases.request_pause(house.database, tenant="default", job_id=job_id, pause_seconds=WEEK) == "pausing"
    house.wait_until(lambda: house.job(job_id).state == "paused", seconds=10, what="the pause")


def resume(house: House, job_id: str) -> None:
    leases.request_resume(house.database, tenant="default", job_id=job_id)
    house.hint()


def kept_rows(house: House, job_id: str) -> dict[str, int]:
    with house.database.read() as conn:
        return {
            table.name: len(conn.execute(select(table).where(table.c.job_id == job_id)).all())
            for table in (tables.level, tables.checkpoint)
        }


def owner(house: House, job_id: str) -> str:
    return str(house.job(job_id).owner)


def test_a_paused_job_frees_its_slot_and_goes_on_elsewhere_without_losing_a_step(house: House) -> None:
    first = house.start_slot()
    job_id = house.submit(RECIPE)
    inside_level(house, job_id, 1)
    pause(house, job_id)
    other = house.submit({"levels": 1})
    assert house.wait_for_end(other) == "succeeded"
    assert house.job(job_id).state == "paused"
    first.terminate()
    assert first.wait(20) == 0
    house.start_slot(index=1)
    resume(house, job_id)
    assert house.wait_for_end(job_id) == "succeeded"
    house.check(job_id, state="succeeded")
    assert house.printed_steps(job_id) == EVERY_STEP
    assert (house.job(job_id).attempt, house.job(job_id).strikes) == (2, 0)


def test_a_pause_that_is_taken_back_at_once_costs_nothing(house: House) -> None:
    house.start_slot()
    job_id = house.submit(RECIPE)
    inside_level(house, job_id, 0)
    leases.request_pause(house.database, tenant="default", job_id=job_id, pause_seconds=WEEK)
    resume(house, job_id)
    assert house.wait_for_end(job_id) == "succeeded"
    house.check(job_id, state="succeeded")
    assert house.printed_steps(job_id) == EVERY_STEP
    assert house.job(job_id).strikes == 0


def test_what_each_attempt_printed_is_kept_where_every_machine_can_read_it(house: House) -> None:
    house.start_slot()
    job_id = house.submit(RECIPE)
    inside_level(house, job_id, 1)
    pause(house, job_id)
    resume(house, job_id)
    assert house.wait_for_end(job_id) == "succeeded"
    read = b""
    for number in (1, 2):
        with house.database.read() as conn:
            log = attempts.log_of(conn, tenant="default", job_id=job_id, number=number)
        assert log is not None
        assert log.stored is not None
        with open_blobs(house.settings).open(log.stored.sha256) as file:
            read += file.read()
    assert [line for line in read.decode().splitlines() if line.startswith("step ")] == EVERY_STEP


@pytest.mark.parametrize("keep", ["levels", "none"])
def test_a_cancelled_job_keeps_what_it_had_or_nothing_as_its_client_wants(keep: Keep, house: House) -> None:
    house.start_slot()
    job_id = house.submit(RECIPE | {"levels": 100})  # so that it ends by the order alone, however late that comes
    inside_level(house, job_id, 1)
    leases.request_cancel(house.database, tenant="default", job_id=job_id, keep=keep)
    assert house.wait_for_end(job_id) == "cancelled"
    house.check(job_id, state="cancelled")
    _, level, _ = house.printed_steps(job_id)[-1].split()  # it has told of every level before that of its last step
    assert kept_rows(house, job_id) == ({"level": int(level), "checkpoint": 2} if keep == "levels" else NOTHING)


@pytest.mark.parametrize(("order", "levels"), [("cancel", 1), ("pause", 0)])
def test_a_level_no_checkpoint_carries_is_kept_at_the_end_and_told_anew_after_a_pause(
    order: str, levels: int, tmp_path: Path, open_house: Callable[..., AbstractContextManager[House]]
) -> None:
    with open_house(tmp_path / "home", [sys.executable, "-I", "-c", SAVES_NOTHING]) as house:
        house.start_slot()
        job_id = house.submit(RECIPE)
        inside_level(house, job_id, 0)
        if order == "cancel":
            leases.request_cancel(house.database, tenant="default", job_id=job_id)
            assert house.wait_for_end(job_id) == "cancelled"
        else:
            pause(house, job_id)
        assert kept_rows(house, job_id) == {"level": levels, "checkpoint": 0}


def test_a_job_that_has_run_for_as_long_as_it_may_is_saved_and_fails(house: House) -> None:
    house.start_slot()
    job_id = house.submit(RECIPE | {"steps": 1000}, max_running_seconds=1.5)
    assert house.wait_for_end(job_id) == "failed"
    house.check(job_id, state="failed")
    assert house.job(job_id).error["code"] == "running_time_exceeded"
    assert house.job(job_id).attempt == 1
    assert kept_rows(house, job_id)["checkpoint"] == 1


def test_a_drained_slot_gives_its_job_back_and_takes_nothing_new(house: House) -> None:
    drained = house.start_slot()
    job_id = house.submit(RECIPE)
    inside_level(house, job_id, 0)
    assert drain(house.settings, slot_id=owner(house, job_id), wait_seconds=10, say=lambda line: None)
    assert (house.job(job_id).state, house.job(job_id).strikes) == ("queued", 0)
    time.sleep(2)  # of hints and sweeps
    assert house.job(job_id).attempt == 1
    assert drained.poll() is None
    house.start_slot(index=1)
    assert house.wait_for_end(job_id) == "succeeded"
    assert house.printed_steps(job_id) == EVERY_STEP
    with house.database.read() as conn:
        assert sorted(row["draining"] for row in slots.listed(conn, within_seconds=60)) == [False, True]


def test_a_slot_that_takes_nothing_leaves_the_hints_to_the_others(house: House) -> None:
    house.start_slot()
    house.wait_for_slots(1)
    assert drain(house.settings, host=None, wait_seconds=0, say=lambda line: None)
    time.sleep(3)  # until it has seen that and its broker's poll is over
    for _ in range(3):
        assert house.hint()
    time.sleep(3)
    assert queue.waiting(house.redis.url, "cpu") == 3


def test_draining_slots_that_are_not_there_says_so(house: House) -> None:
    said: list[str] = []
    assert drain(house.settings, slot_id="nobody", say=said.append)
    assert said == ["no such slots: nobody"]

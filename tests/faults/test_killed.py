"""F1-F5, F15, F17: hints doubled, trainers and workers killed, frozen, stalled or told to stop; every job ends once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.counters import LEASES_LOST, STALE_WRITES_REFUSED

if TYPE_CHECKING:
    from tests.faults.conftest import House

pytestmark = pytest.mark.processes

RECIPE = {"levels": 3, "steps": 10, "step_seconds": 0.1, "checkpoint_at": 3}
LONG = RECIPE | {"steps": 25, "step_seconds": 0.2}
"""Its levels outlast the time a busy machine takes to tell of a checkpoint inside them."""
EVERY_STEP = [f"step {level} {step}" for level in range(3) for step in range(10)]
TTL_SWEEP_AND_SLACK = 3.0 + 0.5 + 5.0


def mid_level_checkpoint(house: House, job_id: str) -> None:
    """Wait for the checkpoint inside the second level to be committed."""

    def committed() -> bool:
        saved = [event["data"]["where"] for event in house.events(job_id, "checkpoint_saved")]
        return any(where["level"] == 1 and where["step"] > 0 for where in saved)

    house.wait_until(committed, seconds=30, what="a checkpoint inside level 1")


def assert_went_on_inside_the_level(house: House, job_id: str) -> None:
    resumed = house.events(job_id, "started")[-1]["data"]["resumed_from"]["where"]
    assert resumed["level"] == 1
    assert resumed["step"] > 0


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_f1_ten_hints_and_three_workers_make_one_execution(house: House) -> None:
    for index in range(3):
        house.start_slot(index=index)
    house.wait_for_slots(3)
    job_id = house.submit(RECIPE, hint=False)
    for _ in range(10):
        assert house.hint()
    assert house.wait_for_end(job_id) == "succeeded"
    house.check(job_id, state="succeeded")
    assert house.job(job_id).attempt == 1
    assert house.printed_steps(job_id) == EVERY_STEP


def test_f2_a_killed_trainer_is_replaced_within_five_seconds_and_goes_on_inside_the_level(
    house: House, record_property: Callable[[str, object], None]
) -> None:
    slot = house.start_slot()
    job_id = house.submit(LONG)
    first = house.child_of(slot)
    mid_level_checkpoint(house, job_id)
    os.kill(first, signal.SIGKILL)
    killed_at = time.monotonic()
    house.wait_for_event(job_id, "started", count=2)
    record_property("seconds", seconds := round(time.monotonic() - killed_at, 2))
    assert seconds < 5
    assert_went_on_inside_the_level(house, job_id)
    assert house.wait_for_end(job_id) == "succeeded"
    house.check(job_id, state="succeeded")
    assert house.job(job_id).attempt == 2
    assert house.events(job_id, "worker_lost")[0]["data"]["strikes"] == 1


def test_f15_a_trainer_that_always_dies_fails_its_job_at_the_third_strike_and_others_run(house: House) -> None:
    house.start_slot()
    poison = house.submit({"levels": 0, "attack": "die"})
    other = house.submit(RECIPE)
    assert house.wait_for_end(poison) == "failed"
    house.check(poison, state="failed")
    assert house.job(poison).attempt == 3
    assert house.job(poison).error["code"] == "worker_lost"
    assert house.wait_for_end(other) == "succeeded"


def test_f3_killing_the_whole_worker_leaves_no_orphan_and_another_goes_on(
    house: House, record_property: Callable[[str, object], None]
) -> None:
    slot = house.start_slot()
    job_id = house.submit(LONG)
    house.wait_for_event(job_id, "started")
    house.start_slot(index=1)
    house.wait_for_slots(2)
    trainer = house.child_of(slot)
    mid_level_checkpoint(house, job_id)
    os.killpg(slot.pid, signal.SIGKILL)
    killed_at = time.monotonic()
    slot.wait()
    house.wait_until(lambda: gone(trainer), seconds=1, what="the orphan to end")
    house.wait_for_event(job_id, "started", count=2)
    record_property("seconds", seconds := round(time.monotonic() - killed_at, 2))
    assert seconds < TTL_SWEEP_AND_SLACK
    assert_went_on_inside_the_level(house, job_id)
    assert house.wait_for_end(job_id) == "succeeded"
    house.check(job_id, state="succeeded")
    assert house.job(job_id).attempt == 2


def test_f3_a_trainer_that_says_nothing_is_no_orphan_either(house: House) -> None:
    slot = house.start_slot()
    job_id = house.submit({"levels": 0, "attack": "hang"})
    trainer = house.child_of(slot)
    os.killpg(slot.pid, signal.SIGKILL)
    slot.wait()
    house.wait_until(lambda: gone(trainer), seconds=1, what="the silent orphan to end")
    left = house.settings.paths.attempts / f"{job_id}-1"
    house.start_slot(index=1)  # which clears up
    house.wait_until(lambda: not left.exists(), seconds=20, what="the abandoned folder to go")


def test_f4_a_worker_frozen_past_its_lease_writes_nothing_when_it_wakes_up(house: House) -> None:
    slot = house.start_slot()
    job_id = house.submit(RECIPE)
    mid_level_checkpoint(house, job_id)
    trainer = house.child_of(slot)
    house.freeze(slot)
    house.start_slot(index=1)
    assert house.wait_for_end(job_id) == "succeeded"
    last_seq = house.job(job_id).last_seq
    slot.send_signal(signal.SIGCONT)
    house.wait_until(lambda: house.count(STALE_WRITES_REFUSED) > 0, seconds=10, what="a refused write")
    house.wait_until(lambda: gone(trainer), seconds=5, what="the stale trainer to end")
    assert house.job(job_id).last_seq == last_seq
    assert house.job(job_id).attempt == 2
    house.check(job_id, state="succeeded")


def test_f5_a_worker_told_to_stop_gives_its_job_back_with_no_step_lost(house: House) -> None:
    slot = house.start_slot()
    job_id = house.submit(RECIPE)
    mid_level_checkpoint(house, job_id)
    slot.terminate()
    assert slot.wait(10) == 0
    row = house.job(job_id)
    assert (row.state, row.strikes, row.reason) == ("queued", 0, "drained")
    house.start_slot(index=1)
    assert house.wait_for_end(job_id) == "succeeded"
    house.check(job_id, state="succeeded")
    assert house.printed_steps(job_id) == EVERY_STEP


def test_a_cancel_ends_the_run_and_counts_once(house: House) -> None:
    from jobs import leases, nudges

    slot = house.start_slot()
    job_id = house.submit(RECIPE | {"step_seconds": 0.5})
    house.wait_for_event(job_id, "started")
    trainer = house.child_of(slot)
    for _ in range(2):
        leases.request_cancel(house.database, tenant="default", job_id=job_id)
        nudges.nudge(house.redis.url, nudges.ORDERED, job_id)
    assert house.wait_for_end(job_id, seconds=10) == "cancelled"
    house.wait_until(lambda: gone(trainer), seconds=5, what="the cancelled trainer to end")
    house.check(job_id, state="cancelled")


@pytest.mark.parametrize(
    ("attack", "patience"),
    [
        ({"levels": 0, "attack": "hang"}, {"WINNOW_FIRST_STEP_SECONDS": "0.5"}),
        ({"levels": 1, "attack": "stall"}, {"WINNOW_STALL_SECONDS": "1"}),
    ],
)
def test_f17_a_run_that_says_nothing_is_ended_and_struck_and_others_run(
    attack: dict[str, object], patience: dict[str, str], house: House
) -> None:
    house.start_slot(**patience)
    job_id = house.submit(attack)
    assert house.wait_for_end(job_id) == "failed"
    assert house.job(job_id).error["code"] == "worker_lost"
    reasons = [event["data"]["reason"] for event in house.events(job_id, "worker_lost")]
    assert reasons == ["stalled", "stalled", "stalled"]
    house.check(job_id, state="failed")
    assert [pid for slot in house.slots for pid in children_of(slot.pid)] == []
    other = house.submit({"levels": 1})
    assert house.wait_for_end(other) == "succeeded"


def test_f17_a_run_that_holds_the_interpreter_for_longer_than_its_lease_is_left_alone(house: House) -> None:
    slot = house.start_slot()
    job_id = house.submit({"levels": 1, "attack": "hold", "hold_seconds": 4.5})
    assert house.wait_for_end(job_id, seconds=180) == "succeeded"
    house.check(job_id, state="succeeded")
    (log,) = house.settings.paths.logs.glob(f"{job_id}-*.log")
    held = [float(line.split()[1]) for line in log.read_text().splitlines() if line.startswith("held ")]
    assert held[0] > house.settings.lease_ttl_seconds
    assert (house.job(job_id).attempt, house.job(job_id).strikes) == (1, 0)
    assert house.count(LEASES_LOST) == 0
    assert slot.poll() is None


def test_a_checkpoint_dropped_before_its_worker_came_to_it_loses_no_fact_and_doubles_none(house: House) -> None:
    house.start_slot()
    house.wait_for_slots(1)
    job_id = house.submit({"levels": 3, "dropped": [2]})
    assert house.wait_for_end(job_id) == "succeeded"
    house.check(job_id, state="succeeded")
    assert [event["data"]["number"] for event in house.events(job_id, "checkpoint_saved")] == [1, 3]
    assert [event["data"]["level"] for event in house.events(job_id, "level_completed")] == [0, 1, 2]

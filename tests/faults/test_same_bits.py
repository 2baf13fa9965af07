"""F2, F3, F5 and a pause, with real training: the job goes on inside its level and ends with the undisturbed bits.

What happens to the job is tried on every database with a stand-in; the bits of a training do not hang on it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs import leases, slots

if TYPE_CHECKING:
    from tests.faults.conftest import House

    OpenHouse = Callable[[Path], AbstractContextManager[House]]

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.backends("sqlite")]

RECIPE = {
    "search": "iterative",
    "levels": 2,
    "training": {"length": "4000it", "evaluate_every": "1000it"},
    "evidence": "none",
    "seed": 3,
}
BITS = ("ticket.safetensors", "model.safetensors", "mask.safetensors", "sparse.safetensors")
OFTEN = {"WINNOW_CHECKPOINT_SECONDS": "0.5"}
TTL_SWEEP_AND_SLACK = 3.0 + 0.5 + 5.0


@pytest.fixture(scope="module")
def training_house(tmp_path_factory: pytest.TempPathFactory, open_training_house: OpenHouse) -> Iterator[House]:
    """A house whose slots train, with the dataset inspected."""
    with open_training_house(tmp_path_factory.mktemp("training") / "home") as house:
        house.start_slot("inspect")
        yield house


def inside_a_pruned_level(house: House, job_id: str) -> None:
    """Wait until a checkpoint inside level 1 is committed."""

    def committed() -> bool:
        saved = [event["data"]["where"] for event in house.events(job_id, "checkpoint_saved")]
        return any(where["level"] == 1 and where["step"] > 0 for where in saved)

    house.wait_until(committed, seconds=120, what="a checkpoint inside level 1")


def resumed_at(house: House, job_id: str) -> tuple[int, int]:
    """Say at which level and step the last attempt went on."""
    where = house.wait_for_event(job_id, "started", count=2)[-1]["data"]["resumed_from"]["where"]
    return where["level"], where["step"]


@pytest.fixture(scope="module")
def undisturbed(training_house: House) -> dict[str, str]:
    """What the job makes when nothing happens to it."""
    slot = training_house.start_slot(**OFTEN)
    job_id = training_house.submit_training(RECIPE)
    assert training_house.wait_for_end(job_id, seconds=120) == "succeeded"
    assert training_house.job(job_id).attempt == 1
    slot.terminate()
    slot.wait(20)
    made = training_house.artifacts(job_id)
    return {name: made[name] for name in BITS}


def kill_the_trainer(house: House, slot: subprocess.Popen[bytes], job_id: str) -> None:
    os.kill(house.child_of(slot), signal.SIGKILL)
    killed_at = time.monotonic()
    house.wait_until(lambda: house.job(job_id).attempt == 2, seconds=5, what="the next attempt")
    house.child_of(slot)
    assert time.monotonic() - killed_at < 5


def kill_the_whole_worker(house: House, slot: subprocess.Popen[bytes], job_id: str) -> None:
    os.killpg(slot.pid, signal.SIGKILL)
    slot.wait()
    house.start_slot(index=1, **OFTEN)
    house.wait_until(lambda: house.job(job_id).attempt == 2, seconds=TTL_SWEEP_AND_SLACK, what="the next attempt")


def tell_the_worker_to_stop(house: House, slot: subprocess.Popen[bytes], job_id: str) -> None:
    slot.terminate()
    assert slot.wait(20) == 0
    assert (house.job(job_id).state, house.job(job_id).strikes) == ("queued", 0)
    house.start_slot(index=1, **OFTEN)


def pause_it_and_resume_it_on_another_worker(house: House, slot: subprocess.Popen[bytes], job_id: str) -> None:
    first = house.job(job_id).owner
    leases.request_pause(house.database, tenant="default", job_id=job_id, pause_seconds=3600)
    house.wait_until(lambda: house.job(job_id).state == "paused", seconds=10, what="the pause")
    assert house.job(job_id).strikes == 0
    with house.database.write() as conn:
        assert slots.request_drain(conn, slot_id=first) == (first,)
    house.start_slot(index=1, **OFTEN)
    leases.request_resume(house.database, tenant="default", job_id=job_id)
    house.hint()
    house.wait_until(lambda: house.job(job_id).owner not in (None, first), seconds=30, what="the other worker")
    assert slot.poll() is None


@pytest.mark.parametrize(
    "disturb",
    [
        kill_the_trainer,
        kill_the_whole_worker,
        tell_the_worker_to_stop,
        pause_it_and_resume_it_on_another_worker,
    ],
)
def test_an_interrupted_job_goes_on_inside_its_level_and_ends_with_the_bits_of_an_undisturbed_one(
    disturb: Callable[[House, subprocess.Popen[bytes], str], None],
    training_house: House,
    undisturbed: dict[str, str],
) -> None:
    house = training_house
    slot = house.start_slot(**OFTEN)
    job_id = house.submit_training(RECIPE)
    inside_a_pruned_level(house, job_id)
    disturb(house, slot, job_id)
    level, step = resumed_at(house, job_id)
    assert level == 1
    assert step > 0
    assert house.wait_for_end(job_id, seconds=120) == "succeeded"
    house.check(job_id, state="succeeded")
    made = house.artifacts(job_id)
    assert {name: made[name] for name in BITS} == undisturbed
    house.end_slots("cpu")

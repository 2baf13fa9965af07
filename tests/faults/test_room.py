"""F16 and a slot's machine: its disk, its memory, its GPU; a real file system that fills, real allocations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs import slots
from tests.faults.conftest import mounted

if TYPE_CHECKING:
    from tests.faults.conftest import House

pytestmark = pytest.mark.processes

RECIPE = {"levels": 2}


def blocked(house: House) -> list[object]:
    with house.database.read() as conn:
        return [row["blocked"] for row in slots.listed(conn, within_seconds=60)]


def environment_of(pid: int) -> dict[str, str]:
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


@pytest.fixture
def small_disk(house: House) -> Iterator[Path]:
    """The folder of attempts on a file system of 16 MiB."""
    folder = house.settings.paths.attempts
    with mounted(folder, megabytes=16):
        yield folder
        house.end_slots()


def test_a_slot_whose_disk_is_full_takes_no_job_until_there_is_room(house: House, small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(15 << 20) + bytes(900 << 10))
    slot = house.start_slot()
    job_id = house.submit(RECIPE)
    house.wait_until(lambda: blocked(house) == ["disk_full"], seconds=30, what="the slot to say so")
    assert house.job(job_id).state == "queued"
    ballast.unlink()
    assert house.wait_for_end(job_id) == "succeeded"
    assert blocked(house) == [None]
    assert slot.poll() is None
    assert house.job(job_id).attempt == 1


def test_f16_a_job_that_needs_more_memory_than_there_is_fails_at_once_and_the_next_one_runs(house: House) -> None:
    house.start_slot(WINNOW_SLOT_MEMORY_BYTES=str(512 << 20))
    hungry = house.submit({"levels": 1, "attack": "eat"})
    assert house.wait_for_end(hungry) == "failed"
    house.check(hungry, state="failed")
    assert house.job(hungry).error["code"] == "out_of_memory"
    assert house.job(hungry).attempt == 1
    other = house.submit(RECIPE)
    assert house.wait_for_end(other) == "succeeded"


@pytest.mark.slow
@pytest.mark.backends("sqlite")  # the stand-in above is tried on both
def test_f16_a_training_that_needs_more_memory_than_there_is_says_so(
    tmp_path: Path, open_training_house: Callable[[Path], AbstractContextManager[House]]
) -> None:
    recipe = {"search": "iterative", "levels": 1, "training": {"length": "10it"}, "evidence": "none", "seed": 3}
    with open_training_house(tmp_path / "home") as house:
        house.start_slot("inspect")
        house.start_slot(WINNOW_SLOT_MEMORY_BYTES=str(3 << 30))
        job_id = house.submit_training(recipe, hidden=[30_000, 30_000])
        assert house.wait_for_end(job_id, seconds=120) == "failed"
        house.check(job_id, state="failed")
        assert house.job(job_id).error["code"] == "out_of_memory"
        assert house.job(job_id).attempt == 1


def test_the_child_of_a_gpu_slot_is_executed_seeing_its_own_gpu_alone(house: House) -> None:
    slot = house.start_slot("gpu", index=3, CUDA_VISIBLE_DEVICES="3")
    house.submit(RECIPE | {"step_seconds": 1}, hint=False)
    house.hint("gpu")
    told = environment_of(house.child_of(slot))
    assert (told["CUDA_VISIBLE_DEVICES"], told["CUDA_DEVICE_ORDER"]) == ("3", "PCI_BUS_ID")


def test_the_child_of_a_cpu_slot_sees_no_gpu_and_as_many_threads_as_its_slot_has(house: House) -> None:
    slot = house.start_slot(CUDA_VISIBLE_DEVICES="0,1")
    house.submit(RECIPE | {"step_seconds": 1})
    child = house.child_of(slot)
    told = environment_of(child)
    assert (told["CUDA_VISIBLE_DEVICES"], told["OMP_NUM_THREADS"]) == ("", "1")
    assert int(Path(f"/proc/{child}/oom_score_adj").read_text()) == 800

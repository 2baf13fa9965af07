"""F12: a worker whose clock is ten minutes wrong: leases are measured by the database's clock, and by that alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs.counters import LEASES_LOST

if TYPE_CHECKING:
    from tests.faults.conftest import House

pytestmark = [pytest.mark.processes, pytest.mark.backends("postgresql")]

RECIPE = {"levels": 3, "steps": 30, "step_seconds": 0.1, "checkpoint_at": 3}
"""Lasts three leases."""
SLEEP_BY_SELECT = "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"
LIBFAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)


def at_another_time(shift: str, folder: Path) -> dict[str, str]:
    """Give the environment of a process whose clock is wrong from its first moment on; its children's is right."""
    if LIBFAKETIME is None:
        pytest.skip("no libfaketime: `apt install faketime`")
    # Where the monotonic clock is left alone libfaketime 0.9.10 fails clock_nanosleep, by which Python sleeps.
    (folder / "sitecustomize.py").write_text(SLEEP_BY_SELECT)
    wrong = {"LD_PRELOAD": str(LIBFAKETIME), "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return wrong | {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])}


def owner_of(house: House, job_id: str) -> int | None:
    owner = house.job(job_id).owner
    return None if owner is None else int(owner.split(":")[1])


def taken_by(house: House, slot: subprocess.Popen[bytes], recipe: dict[str, Any]) -> str:
    """Have one slot take a job, whatever the others do, and give its id."""
    others = [other for other in house.slots if other is not slot and other.poll() is None]
    for other in others:
        house.freeze(other)
    try:
        job_id = house.submit(recipe)
        # Redis may hand a hint to one that stands still.
        house.wait_until(lambda: house.hint() and owner_of(house, job_id), seconds=30, what="the slot to take the job")
    finally:
        for other in others:
            other.send_signal(signal.SIGCONT)
    assert owner_of(house, job_id) == slot.pid
    return job_id


@pytest.mark.parametrize(("shift", "seconds"), [("+10m", 600.0), ("-10m", -600.0)])
def test_f12_a_worker_whose_clock_is_wrong_steals_nothing_early_and_loses_nothing_late(
    house: House, shift: str, seconds: float, tmp_path: Path
) -> None:
    wrong_clock = at_another_time(shift, tmp_path)
    right, wrong = house.start_slot("cpu", 0), house.start_slot("cpu", 1, **wrong_clock)
    house.wait_for_slots(2)
    jobs = [taken_by(house, wrong, RECIPE), house.submit(RECIPE)]
    house.wait_for_event(jobs[1], "started")
    assert [owner_of(house, job_id) for job_id in jobs] == [wrong.pid, right.pid]
    shown = (house.settings.paths.logs / "slot-cpu-1.log").read_text().split()[0]
    assert abs(datetime.fromisoformat(shown).timestamp() - time.time() - seconds) < 60
    for job_id in jobs:
        assert house.wait_for_end(job_id) == "succeeded"
        house.check(job_id, state="succeeded")
        assert (house.job(job_id).attempt, len(house.printed_steps(job_id))) == (1, 90)
    assert house.count(LEASES_LOST) == 0
    for index, (killed, name) in enumerate([(wrong, "right"), (right, "wrong")]):
        lost = taken_by(house, killed, RECIPE)
        time.sleep(1.5)  # so that the lease is one it has renewed
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        killed_at = time.monotonic()
        house.wait_until(lambda: house.job(lost).attempt == 2, seconds=60, what="a takeover")  # noqa: B023
        took = time.monotonic() - killed_at
        print(f"F12: {shift}: the worker with the {name} clock took over after {took:.1f} s")
        assert took < house.settings.lease_ttl_seconds + house.settings.sweep_seconds + 5
        if index == 0:
            wrong = house.start_slot("cpu", 2, **wrong_clock)
        assert house.wait_for_end(lost) == "succeeded"
        house.check(lost, state="succeeded")

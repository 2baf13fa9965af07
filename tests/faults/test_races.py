"""F18, F19: a cancel at every moment of a job's life, and sweeps that meet; each thing happens once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from jobs import leases, nudges, tables
from jobs.database import Database
from jobs.errors import InvalidTransitionError
from jobs.slots import SlotIdentity
from jobs.sweep import sweep

if TYPE_CHECKING:
    from tests.faults.conftest import House

pytestmark = pytest.mark.processes
RECIPE = {"levels": 3, "steps": 10, "step_seconds": 0.1, "checkpoint_at": 3}


def cancel(house: House, job_id: str) -> str:
    """Cancel as the API does: the wish, then the nudge."""
    answer = leases.request_cancel(house.database, tenant="default", job_id=job_id)
    nudges.nudge(house.redis.url, nudges.ORDERED, job_id)
    return answer


def test_f18_a_queued_job_is_cancelled_at_once_and_twice_is_the_same_answer(house: House) -> None:
    job_id = house.submit(RECIPE, hint=False)
    assert [cancel(house, job_id), cancel(house, job_id)] == ["cancelled", "cancelled"]
    house.check_untaken(job_id, state="cancelled")
    house.start_slot()
    other = house.submit(RECIPE | {"levels": 1})
    assert house.wait_for_end(other) == "succeeded"
    assert house.job(job_id).attempt == 0


def test_f18_a_running_job_stops_soon_and_twice_is_the_same_answer(house: House) -> None:
    house.start_slot()
    job_id = house.submit(RECIPE | {"step_seconds": 0.3})
    house.wait_for_event(job_id, "started")
    assert [cancel(house, job_id), cancel(house, job_id)] == ["cancelling", "cancelling"]
    assert house.wait_for_end(job_id, seconds=10) == "cancelled"
    house.check(job_id, state="cancelled")
    assert len(house.events(job_id, "cancelling")) == 1


def test_f18_at_the_finish_line_there_is_one_winner(house: House) -> None:
    house.start_slot()
    house.wait_for_slots(1)
    outcomes: Counter[str] = Counter()
    for number in range(8):
        job_id = house.submit({"levels": 1, "steps": 4, "step_seconds": 0.02})
        house.wait_for_event(job_id, "level_completed")
        time.sleep(0.05 * number)  # between the last level and the last event lies the verifying child
        try:
            answer = cancel(house, job_id)
        except InvalidTransitionError as error:
            answer = f"refused as {error.state}"
        state = house.wait_for_end(job_id)
        house.check(job_id, state=state)
        assert (answer, state) in [("cancelling", "cancelled"), ("refused as succeeded", "succeeded")]
        outcomes[state] += 1
    assert sum(outcomes.values()) == 8


def test_f18_a_cancel_while_nobody_holds_the_job_any_more_is_granted_by_the_sweep(house: House) -> None:
    slot = house.start_slot()
    job_id = house.submit(RECIPE)
    house.wait_for_event(job_id, "started")
    os.killpg(slot.pid, signal.SIGKILL)
    slot.wait()
    assert cancel(house, job_id) == "cancelling"
    house.start_slot(index=1)
    assert house.wait_for_end(job_id) == "cancelled"
    house.check(job_id, state="cancelled")
    assert house.job(job_id).attempt == 1


def test_f19_sweeps_that_meet_strike_each_lost_job_once_and_claims_that_meet_take_each_once(house: House) -> None:
    jobs = [house.submit(RECIPE, hint=False) for _ in range(12)]
    taker = SlotIdentity("gone", ("cpu",), "landlock")
    while leases.claim(house.database, slot=taker, ttl_seconds=60) is not None:
        pass
    with house.database.write() as conn:
        conn.execute(update(tables.job).values(lease_until=tables.job.c.lease_until - 3600))
    sweep(house.database, settings=house.settings.model_copy(update={"lease_ttl_seconds": 1e9}))
    ready = threading.Barrier(6)

    def meet(number: int) -> list[str]:
        with closing(Database.open(house.settings.database)) as database:
            ready.wait()
            sweep(database, settings=house.settings)
            ready.wait()
            slot = SlotIdentity(f"slot-{number}", ("cpu",), "landlock")
            taken = []
            while claim := leases.claim(database, slot=slot, ttl_seconds=60):
                taken.append(claim.lease.job_id)
            return taken

    with ThreadPoolExecutor(6) as threads:
        taken = [job_id for mine in threads.map(meet, range(6)) for job_id in mine]
    assert sorted(taken) == sorted(jobs)
    for row in _rows(house):
        assert (row.attempt, row.strikes, row.state) == (2, 1, "running")
        assert len(house.events(row.id, "worker_lost")) == 1


def _rows(house: House) -> list[Any]:
    with house.database.read() as conn:
        return list(conn.execute(select(tables.job)).all())

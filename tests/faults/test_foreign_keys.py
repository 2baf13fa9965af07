"""A key of the wrong type where the queue of a kind of slot should be: jobs run all the same, and nothing spins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs import broker
from jobs.waiting import queue

if TYPE_CHECKING:
    from tests.faults.conftest import House

pytestmark = pytest.mark.processes

RECIPE = {"levels": 1, "steps": 2, "step_seconds": 0.01}


@pytest.mark.parametrize("at", ["before", "after"])
def test_jobs_run_one_line_names_the_key_and_hints_are_read_again_once_it_is_gone(house: House, at: str) -> None:
    key = queue.queue_name("cpu")
    slot = house.start_slot() if at == "after" else None
    if slot is not None:
        house.wait_for_slots(1)
    with broker.client(house.redis.url) as client:
        client.delete(key)
        client.set(key, "somebody else's")
        slot = slot or house.start_slot()
        house.wait_for_slots(1)
        for _ in range(2):
            job_id = house.submit(RECIPE)
            assert house.wait_for_end(job_id) == "succeeded"
            house.check(job_id, state="succeeded")
            assert house.job(job_id).attempt == 1
        assert client.get(key) == b"somebody else's"
        asked = client.info("commandstats")["cmdstat_brpop"]["calls"]
        client.delete(key)
        assert house.hint()
        house.wait_until(lambda: client.llen(key) == 0, seconds=5, what="the hint to be read")
    assert slot.poll() is None
    log = (house.settings.paths.logs / "slot-cpu-0.log").read_text()
    assert log.count(key) == 1, log
    assert "string" in log
    assert asked < 30

"""F6, F7: Redis dies, comes back empty, or is away when a job is submitted; jobs are none the worse for it."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.faults.conftest import House

pytestmark = pytest.mark.processes

RECIPE = {"levels": 2, "steps": 10, "step_seconds": 0.05}


def test_f6_redis_killed_and_restarted_empty_disturbs_no_running_job_and_loses_no_waiting_one(house: House) -> None:
    house.start_slot()
    running = house.submit(RECIPE | {"step_seconds": 0.2})
    house.wait_for_event(running, "started")
    waiting = [house.submit(RECIPE) for _ in range(2)]
    house.kill_redis()
    shutil.rmtree(house.settings.paths.redis)
    time.sleep(1)
    assert house.job(running).state == "running"
    house.start_redis()
    late = house.submit(RECIPE, hint=False)
    for job_id in (running, *waiting, late):
        assert house.wait_for_end(job_id) == "succeeded"
        house.check(job_id, state="succeeded")
        assert house.job(job_id).attempt == 1


def test_f7_a_job_submitted_while_redis_is_down_starts_by_itself_when_it_is_back(house: House) -> None:
    house.start_slot()
    house.wait_for_slots(1)
    house.kill_redis()
    asked_at = time.monotonic()
    job_id = house.submit(RECIPE)
    assert time.monotonic() - asked_at < 3
    assert house.job(job_id).state == "queued"
    house.start_redis()
    assert house.wait_for_end(job_id) == "succeeded"
    house.check(job_id, state="succeeded")


def test_f7_a_post_is_answered_within_three_seconds_while_redis_is_down_and_the_job_runs_later(house: House) -> None:
    house.kill_redis()
    with house.api() as url:
        asked_at = time.monotonic()
        body = {"model": {"architecture": "mlp", "seed": 1}, "dataset": {"uri": "builtin:digits"}}
        recipe = {"search": "iterative", "levels": 1, "evidence": "none"}
        request = urllib.request.Request(
            f"{url}/v1/jobs",
            data=json.dumps(body | {"recipe": recipe}).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 202
            job_id = json.load(answer)["id"]
        assert time.monotonic() - asked_at < 3
        house.start_redis()
        house.start_slot("inspect")
        house.start_slot()
        assert house.wait_for_end(job_id) == "succeeded"
        house.check(job_id, state="succeeded")


def test_an_idle_slot_that_is_passed_over_starts_anew(house: House) -> None:
    slot = house.start_slot(WINNOW_IDLE_RESTART_SECONDS="1")
    house.wait_for_slots(1)
    house.kill_redis()
    house.submit(RECIPE, hint=False)
    assert slot.wait(20) == 0

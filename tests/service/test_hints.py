"""service.hints: a request never waits for Redis, and a Redis that is there is told."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from jobs import broker
from jobs.slots import SlotIdentity
from jobs.waiting.queue import waiting


def _until(true: Any, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(true())


def test_slots_that_may_run_a_job_are_told_to_look(run_service: Any, tmp_path: Path, redis_url: str) -> None:
    with run_service(tmp_path, redis_url, sweep_seconds=3600) as service:
        service.announce(SlotIdentity("a", ("cpu",), "landlock"))
        service.announce(SlotIdentity("b", ("inspect",), "landlock"))
        service.submit()
        assert _until(lambda: waiting(redis_url, "inspect") == 1)
        service.inspect()
        service.submit()
        assert _until(lambda: waiting(redis_url, "cpu") == 1)
        assert waiting(redis_url, "gpu") == 0


@pytest.mark.parametrize("state", ["dead", "frozen"])
def test_a_job_is_accepted_in_three_seconds_without_redis(
    run_service: Any, tmp_path: Path, start_redis: Any, state: str
) -> None:
    process, url = start_redis()
    with broker.client(url) as client:
        assert client.ping()
    with run_service(tmp_path, url) as service:
        service.announce(SlotIdentity("a", ("cpu",), "landlock"))
        process.send_signal(signal.SIGKILL if state == "dead" else signal.SIGSTOP)
        for _ in range(3):
            began = time.monotonic()
            job = service.submit()
            assert time.monotonic() - began < 3
        assert service.http.get("/readyz").json()["checks"]["redis"] == "expected an answer, got none"
        began = time.monotonic()
        taken = service.claim(job["id"])
        changed = service.http.get(f"/v1/jobs/{job['id']}", params={"wait": 20}, headers={"If-None-Match": '"old"'})
        assert changed.json()["state"] == "running"
        service.database_only_finish(taken)
        done = service.http.get(f"/v1/jobs/{job['id']}", params={"wait": 20})
        assert done.json()["state"] == "succeeded"
        assert time.monotonic() - began < 10

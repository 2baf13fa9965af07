"""winnow.waiting: waits as long as was asked and no longer, asks only for changes."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from winnow.errors import WaitTimeoutError
from winnow.waiting import until_done, until_inspected


def _job(state: str, *, done: bool = False) -> dict[str, Any]:
    return {"id": "job_1", "state": state, "done": done}


def _ticking(seconds: int = 1) -> Iterator[float]:
    return (float(n) for n in count(0, seconds))


def _wait(script: Any, **options: Any) -> Any:
    ticks = _ticking()
    settings = {"timeout_seconds": None, "on_change": None, "clock": lambda: next(ticks)} | options
    return until_done(script.connection(), "/v1/jobs/job_1", **settings)


def test_waits_until_the_job_is_done_and_shows_each_change(script: Any) -> None:
    script.say_json(_job("queued"), headers={"ETag": '"1"'})
    script.say(304)
    script.say_json(_job("running"), headers={"ETag": '"2"'})
    script.say_json(_job("succeeded", done=True), headers={"ETag": '"3"'})
    seen: list[str] = []
    job = _wait(script, on_change=lambda job: seen.append(job["state"]))
    assert job["state"] == "succeeded"
    assert seen == ["queued", "running", "succeeded"]


def test_asks_at_once_first_and_for_changes_after(script: Any) -> None:
    script.say_json(_job("queued"), headers={"ETag": '"1"'})
    script.say_json(_job("succeeded", done=True), headers={"ETag": '"2"'})
    _wait(script)
    assert script.asked[0].path == "/v1/jobs/job_1"
    assert script.asked[1].path == "/v1/jobs/job_1?wait=20"
    assert script.asked[1].headers["If-None-Match"] == '"1"'


def test_a_service_that_restarts_is_waited_for(script: Any) -> None:
    script.say_json(_job("running"), headers={"ETag": '"1"'})
    for _ in range(12):
        script.say_json({"code": "unavailable"}, 503)
    script.say_json(_job("succeeded", done=True))
    assert _wait(script)["done"]


def test_gives_up_when_the_time_is_over_and_hands_back_the_job(script: Any) -> None:
    script.say_json(_job("running"), headers={"ETag": '"1"'})
    with pytest.raises(WaitTimeoutError, match="job_1") as caught:
        _wait(script, timeout_seconds=3)
    assert caught.value.job["state"] == "running"


def test_a_job_that_is_done_is_no_timeout_however_short_the_time(script: Any) -> None:
    script.say_json(_job("succeeded", done=True))
    assert _wait(script, timeout_seconds=0)["done"]


def test_waits_for_an_inspection(script: Any) -> None:
    script.say_json({"state": "inspecting"})
    script.say_json({"state": "ready"})
    ticks = _ticking()
    found = until_inspected(
        script.connection(), "/m", {"state": "inspecting"}, timeout_seconds=9, clock=lambda: next(ticks)
    )
    assert found == {"state": "ready"}


def test_an_inspection_that_takes_longer_is_given_as_it_is(script: Any) -> None:
    script.say_json({"state": "inspecting"})
    ticks = _ticking()
    found = until_inspected(
        script.connection(), "/m", {"state": "inspecting"}, timeout_seconds=3, clock=lambda: next(ticks)
    )
    assert found == {"state": "inspecting"}

"""winnow.stream: every event once and in order, whatever the connection does."""

import json
from typing import Any

import pytest

from winnow.errors import NotFoundError, TransportError
from winnow.stream import follow

KIND = {"Content-Type": "text/event-stream"}


def _event(seq: int, word: str) -> bytes:
    return f"id: {seq}\nevent: job.{word}\ndata: {json.dumps({'seq': seq, 'type': f'job.{word}'})}\n\n".encode()


PROGRESS = b'event: progress\ndata: {"fraction": 0.5}\n\n'


def test_a_stream_is_read_to_its_last_event(script: Any) -> None:
    script.say(body=_event(1, "queued") + _event(2, "started") + _event(3, "succeeded"), headers=KIND)
    events = list(follow(script.connection(), "/e"))
    assert [event["seq"] for event in events] == [1, 2, 3]
    assert len(script.asked) == 1


def test_a_cut_stream_goes_on_after_the_last_event_seen(script: Any) -> None:
    first = _event(1, "queued") + _event(2, "started")
    script.say(body=first + _event(3, "phase"), headers=KIND, cut_after=len(first) + 4)
    script.say(body=_event(3, "phase") + _event(4, "failed"), headers=KIND)
    assert [event["seq"] for event in follow(script.connection(), "/e")] == [1, 2, 3, 4]
    assert script.asked[1].headers["Last-Event-ID"] == "2"


def test_an_event_that_comes_twice_is_given_once(script: Any) -> None:
    script.say(body=_event(1, "queued"), headers=KIND)
    script.say(body=_event(1, "queued") + _event(2, "cancelled"), headers=KIND)
    assert [event["seq"] for event in follow(script.connection(), "/e")] == [1, 2]


def test_progress_comes_between_the_events_and_moves_no_position(script: Any) -> None:
    script.say(body=_event(1, "queued") + PROGRESS, headers=KIND)
    script.say(body=_event(2, "succeeded"), headers=KIND)
    events = list(follow(script.connection(), "/e"))
    assert events[1] == {"type": "progress", "data": {"fraction": 0.5}}
    assert script.asked[1].headers["Last-Event-ID"] == "1"


def test_reading_after_the_end_gives_nothing(script: Any) -> None:
    script.say(204)
    assert list(follow(script.connection(), "/e", after=9)) == []


def test_a_job_that_is_not_there_is_told(script: Any) -> None:
    script.say_json({"code": "not_found"}, 404)
    with pytest.raises(NotFoundError):
        list(follow(script.connection(), "/e"))


def test_something_that_is_no_stream_is_refused(script: Any) -> None:
    script.say_json({})
    with pytest.raises(TransportError, match="application/json"):
        list(follow(script.connection(), "/e"))

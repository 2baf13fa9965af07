"""ticketing.observer: one JSON line an event, progress rarely, stop asked of whoever knows."""

import io
import json
from collections.abc import Sequence
from math import inf, nan

import pytest

from ticketing.folder import MAX_EVENT_BYTES
from ticketing.observer import Observer, RecordingObserver, StreamObserver


def stream_observer(times: Sequence[float] = (), *, stop: bool = False) -> tuple[StreamObserver, io.BytesIO]:
    stream, clock = io.BytesIO(), iter(times).__next__
    return StreamObserver(stream, stop_requested=lambda: stop, clock=clock), stream


def lines(stream: io.BytesIO) -> list[object]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line() -> None:
    observer, stream = stream_observer()
    observer.emit("phase", phase="two\nlines", type="of data")
    assert lines(stream) == [{"type": "phase", "data": {"phase": "two\nlines", "type": "of data"}}]


def test_progress_is_said_once_a_second_at_most() -> None:
    observer, stream = stream_observer([0.0, 0.5, 0.9, 1.0, 1.9, 5.0])
    for step in range(6):
        observer.progress(step=step)
    assert lines(stream) == [{"type": "progress", "data": {"step": step}} for step in (0, 3, 5)]


def test_an_event_too_long_for_its_reader_is_not_written() -> None:
    observer, stream = stream_observer()
    with pytest.raises(ValueError, match=str(MAX_EVENT_BYTES)):
        observer.emit("warning", detail="x" * MAX_EVENT_BYTES)
    assert stream.getvalue() == b""


@pytest.mark.parametrize("value", [nan, inf, object(), b"bytes"], ids=["nan", "inf", "object", "bytes"])
def test_what_json_has_no_word_for_is_refused_by_either_observer(value: object) -> None:
    observer, stream = stream_observer()
    for either in (observer, RecordingObserver()):
        with pytest.raises((ValueError, TypeError)):
            either.emit("warning", detail={"deep": [value]})
    assert stream.getvalue() == b""


def test_the_question_whether_to_stop_is_passed_on() -> None:
    assert stream_observer(stop=True)[0].stop_requested()
    assert not stream_observer()[0].stop_requested()


def test_a_recording_observer_keeps_events_in_order_and_the_newest_progress() -> None:
    observer = RecordingObserver(stop_after=1)
    observer.emit("phase", phase="prune")
    observer.emit("warning", code="a")
    observer.emit("phase", phase="rewind")
    observer.progress(step=1)
    observer.progress(step=2)
    assert observer.of_type("phase") == [{"phase": "prune"}, {"phase": "rewind"}]
    assert observer.last_progress == {"step": 2}
    assert [observer.stop_requested() for _ in range(3)] == [False, True, True]


def test_both_are_observers() -> None:
    assert isinstance(RecordingObserver(), Observer)
    assert isinstance(stream_observer()[0], Observer)

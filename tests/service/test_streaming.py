"""service.streaming: what an update leaves out is read from the log, and silence is broken now and then."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from fastapi.sse import KEEPALIVE_COMMENT

from service.hub import Hub, Update, Watch
from service.streaming import stream

Event = dict[str, Any]


def _event(seq: int, kind: str = "job.phase") -> Event:
    return {"seq": seq, "type": kind}


class ScriptedWatch(Watch):
    """Gives these updates one after the other, None is silence; `before` is called when the first is asked for."""

    def __init__(self, updates: Sequence[Update | None], before: Callable[[], None]) -> None:
        super().__init__()
        self.updates, self.before = list(updates), before

    async def next(self, seconds: float) -> Update | None:
        self.before()
        return self.updates.pop(0)


class ScriptedHub(Hub):
    """A hub whose one watch is written beforehand."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(lambda seqs: {})
        self.scripted = watch

    @contextmanager
    def watch(self, thing: str) -> Iterator[Watch]:
        yield self.scripted


def _sent(
    log: list[Event], *updates: Update | None, after: int = 0, late: Sequence[Event] = (), seconds: float = 0.0
) -> list[Any]:
    """Run a stream to its end and give the data of its messages, None for a comment.

    Args:
        log: Of the job.
        updates: What its watch says.
        after: The last seq the reader has.
        late: Written to the log after the stream has read it.
        seconds: Between two looks at the clock.
    """
    pages = list(log)
    rest = list(late)

    async def read_log(sent: int) -> Sequence[Event]:
        return [event for event in pages if event["seq"] > sent][:2]

    def write() -> None:
        pages.extend(rest)
        rest.clear()

    ticks = count()

    async def run() -> list[Any]:
        hub = ScriptedHub(ScriptedWatch(updates, write))
        messages = stream("job_a", after=after, read_log=read_log, hub=hub, clock=lambda: next(ticks) * seconds)
        return [
            None if m == KEEPALIVE_COMMENT else json.loads(m.split(b"data: ")[1].splitlines()[0])
            async for m in messages
        ]

    return asyncio.run(run())


def test_a_log_longer_than_a_page_is_read_to_its_end() -> None:
    log = [_event(1), _event(2), _event(3), _event(4), _event(5, "job.failed")]
    assert _sent(log) == log
    assert _sent(log, after=3) == log[3:]


def test_events_of_an_update_are_sent_without_reading_and_none_twice() -> None:
    log = [_event(1)]
    first = Update(2, False, 2, (_event(1), _event(2)))
    second = Update(3, True, 3, (_event(2), _event(3, "job.succeeded")))
    assert _sent(log, first, second) == [_event(1), _event(2), _event(3, "job.succeeded")]


def test_an_update_with_a_gap_before_it_makes_the_log_be_read() -> None:
    late = [_event(2), _event(3), _event(4, "job.succeeded")]
    assert _sent([_event(1)], Update(9, True, 4, (late[-1],)), late=late) == [_event(1), *late]


def test_an_update_that_was_dropped_makes_the_log_be_read() -> None:
    late = [_event(2), _event(3, "job.succeeded")]
    assert _sent([_event(1)], Update(9, True, 3), late=late) == [_event(1), *late]


def test_silence_is_broken_by_a_comment() -> None:
    last = Update(2, True, 1, (_event(1, "job.cancelled"),))
    assert _sent([], None, None, last) == [None, None, _event(1, "job.cancelled")]


def test_progress_that_comes_too_fast_is_told_once() -> None:
    steps = [Update(n, False, 0, (), {"step": n}) for n in range(1, 6)]
    last = Update(9, True, 1, (_event(1, "job.succeeded"),), {"step": 9})
    assert _sent([], *steps, last, seconds=0.0) == [{"step": 1}, _event(1, "job.succeeded")]
    assert _sent([], *steps, last, seconds=1.0)[:5] == [{"step": n} for n in range(1, 6)]

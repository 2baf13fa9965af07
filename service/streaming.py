"""A job's log as server-sent events: every event once and in order, progress in between; knows no request."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from jobs.events import DONE_TYPES
from service.hub import Hub

PROGRESS_SECONDS = 1.0
"""Between two progress events at least."""
PING_SECONDS = 15.0
"""Of silence, after which a comment shows that the connection lives."""

ReadLog = Callable[[int], Awaitable[Sequence[Mapping[str, Any]]]]
"""Reads the next events after a seq; fewer than there are is fine, none means there are none."""


async def stream(
    job_id: str, *, after: int, read_log: ReadLog, hub: Hub, clock: Callable[[], float]
) -> AsyncGenerator[bytes, None]:
    """Yield everything after `after` as it happens; the job's last event is sent, then the stream ends.

    The log is the truth: whatever an update does not bring, because it came too late or too much at once, is read
    from there. Progress carries no id, so that a reader never reconnects after it.

    Args:
        job_id: The job.
        after: The last seq the reader has.
        read_log: Reads from the database.
        hub: Says when there is something new.
        clock: Monotonic seconds.
    """
    sent, progress, told_at = after, None, clock() - PROGRESS_SECONDS
    shown: Mapping[str, Any] | None = None
    behind = True
    with hub.watch(job_id) as watch:
        while True:
            while behind:
                events = await read_log(sent)
                for event in events:
                    yield _event(event)
                    sent = event["seq"]
                    if event["type"] in DONE_TYPES:
                        return
                behind = bool(events)
            pause = told_at + PROGRESS_SECONDS - clock()
            if progress != shown and pause <= 0:
                yield format_sse_event(event="progress", data_str=_json(progress))
                shown, told_at = progress, clock()
            update = await watch.next(pause if progress != shown else PING_SECONDS)
            if update is None:
                if progress == shown:
                    yield KEEPALIVE_COMMENT
                continue
            if not update.done:
                progress = update.progress
            for event in update.events:
                if event["seq"] == sent + 1:
                    yield _event(event)
                    sent = event["seq"]
                    if event["type"] in DONE_TYPES:
                        return
            behind = update.last_seq > sent


def _event(event: Mapping[str, Any]) -> bytes:
    return format_sse_event(event=event["type"], data_str=_json(event), id=str(event["seq"]))


def _json(document: Mapping[str, Any] | None) -> str:
    return json.dumps(document, separators=(",", ":"))

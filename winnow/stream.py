"""The events of a job as they happen, without gap or repetition across lost connections; knows no display."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import httpx2

from winnow.connection import Connection
from winnow.errors import Json, TransportError
from winnow.retries import WHILE_WAITING

LAST_EVENTS = frozenset({"job.succeeded", "job.failed", "job.cancelled"})


def follow(connection: Connection, path: str, *, after: int = 0) -> Iterator[Json]:
    """Yield a job's events from `after` on until the one that ends it.

    Events of the log come in order, each `seq` once. Progress, which is in no log, comes between them as
    `{"type": "progress", "data": ...}`.

    Raises:
        NotFoundError: There is no such job.
        TransportError: The service stayed away longer than `WHILE_WAITING`.
    """
    ended = False
    while not ended:
        with ExitStack() as stack:
            headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
            response = connection.patiently(
                lambda: stack.enter_context(connection.open(path, headers=headers)),  # noqa: B023 - called at once
                patience=WHILE_WAITING,
            )
            if response.status_code == 204:
                return
            try:
                for event in _events(response):
                    seq = event.get("seq")
                    if seq is not None:
                        if seq <= after:
                            continue
                        after = seq
                        ended = event["type"] in LAST_EVENTS
                    yield event
            except httpx2.TransportError:
                continue
        if not ended:
            connection.pause()


def _events(response: httpx2.Response) -> Iterator[Json]:
    kind = response.headers.get("content-type", "nothing")
    if not kind.startswith("text/event-stream"):
        raise TransportError(f"expected text/event-stream from {response.request.url}, got {kind}")
    for event in httpx2.EventSource(response):
        if not event.data:
            continue
        data = json.loads(event.data)
        yield {"type": "progress", "data": data} if event.event == "progress" else data

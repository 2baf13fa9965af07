"""Waiting for what a service does by itself, by long polls that survive its restarts; knows no display."""

from collections.abc import Callable

from winnow.connection import Connection
from winnow.errors import Json, WaitTimeoutError
from winnow.retries import WHILE_WAITING

LONG_POLL_SECONDS = 20


def until_done(
    connection: Connection,
    path: str,
    *,
    timeout_seconds: float | None,
    on_change: Callable[[Json], None] | None,
    clock: Callable[[], float],
) -> Json:
    """Ask for a job until it is done, and give it.

    Args:
        path: Of the job.
        timeout_seconds: None waits for ever.
        on_change: Called with the job at once and whenever it changed.

    Raises:
        WaitTimeoutError: The job is not done; it goes on.
        TransportError: The service stayed away longer than `WHILE_WAITING`.
    """
    started, etag, job = clock(), "", Json()
    while not job.get("done"):
        left = None if timeout_seconds is None else timeout_seconds - (clock() - started)
        if left is not None and left <= 0 and job:
            detail = f"expected {job['id']} to be done within {timeout_seconds:g} s, got state {job['state']}"
            raise WaitTimeoutError(detail, job)
        answer = connection.send(
            "GET",
            path,
            params={"wait": _poll_seconds(left)} if etag else None,
            headers={"If-None-Match": etag} if etag else {},
            patience=WHILE_WAITING,
            timeout_seconds=LONG_POLL_SECONDS + 15,
        )
        if answer.status_code != 304:
            etag, job = answer.headers.get("ETag", ""), answer.json()
            if on_change:
                on_change(job)
    return job


def until_inspected(
    connection: Connection, path: str, found: Json, *, timeout_seconds: float, clock: Callable[[], float]
) -> Json:
    """Ask for a model or dataset until it is `ready` or `refused`, or the time is up, and give it as it is then."""
    started = clock()
    while found["state"] == "inspecting" and (left := timeout_seconds - (clock() - started)) > 0:
        found = connection.get(path, params={"wait": _poll_seconds(left)})
    return found


def _poll_seconds(left: float | None) -> int:
    return LONG_POLL_SECONDS if left is None else max(1, min(LONG_POLL_SECONDS, int(left)))

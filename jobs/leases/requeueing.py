"""A job whose attempt ended without a result: back to the queue or paused, or failed at the third strike."""

from typing import Any

from sqlalchemy import Connection, RowMapping

from jobs import counters
from jobs.clock import db_now
from jobs.database import Database
from jobs.events import NewEvent, append
from jobs.leases.ending import Retain, end, for_good
from jobs.leases.lease import Lease, fenced, update_held
from jobs.leases.moving import move
from jobs.retrying import retried

MAX_STRIKES = 3
WORKER_LOST, DISK_FULL = "worker_lost", "disk_full"
TELLING = (DISK_FULL,)
"""Reasons of a third strike that say by themselves why the job failed; any other is told as `worker_lost`."""


@retried
def release(
    db: Database,
    lease: Lease,
    *,
    reason: str,
    strike: bool,
    retry_delay_seconds: float = 5.0,
    retain: Retain = for_good,
) -> None:
    """Give a job back: to the queue, to `paused` or to `cancelled` when that was asked for.

    Args:
        db: The database.
        lease: Of the attempt that ends here.
        reason: A word that is shown while the job waits, e.g. `drained`.
        strike: Whether the attempt counts against the job: it ended, and not because its worker was told to stop.
        retry_delay_seconds: Before the attempt that follows a second strike; the one after the first comes at once.
        retain: How long a job that ends here is kept.

    Raises:
        LeaseLostError: The job is somebody else's by now.
    """
    with fenced(db, lease) as conn:
        row = update_held(conn, lease)
        if strike:
            strike_out(conn, row, reason=reason, retry_delay_seconds=retry_delay_seconds, retain=retain)
        else:
            give_back(conn, row, reason=reason, retain=retain)


def give_back(conn: Connection, row: RowMapping, *, reason: str, retain: Retain = for_good) -> str:
    """End the attempt of a running job, locked by the caller, without a strike, and give the state it ends up in."""
    if row["cancel_requested"] is not None:
        return end(conn, row, state="cancelled", retain=retain)
    if row["pause_requested"] is not None:
        return _pause(conn, row, reason=reason)
    _requeue(conn, row, reason=reason, delay_seconds=0.0)
    append(conn, job_id=row["id"], events=[NewEvent("job.queued", {"reason": reason})])
    return "queued"


def strike_out(
    conn: Connection, row: RowMapping, *, reason: str, retry_delay_seconds: float, retain: Retain = for_good
) -> str:
    """Count a strike against a running job, locked by the caller, and give the state it ends up in.

    A cancel or a pause that was asked for is granted, and that is no strike. The third strike fails the job with
    `worker_lost`, or with its reason where that says more.
    """
    if row["cancel_requested"] is not None or row["pause_requested"] is not None:
        return give_back(conn, row, reason=reason, retain=retain)
    strikes = row["strikes"] + 1
    counters.add(conn, tenant=row["tenant"], name=counters.STRIKES)
    lost = NewEvent("job.worker_lost", {"reason": reason, "strikes": strikes}, severity="warning")
    if strikes < MAX_STRIKES:
        append(conn, job_id=row["id"], events=[lost])
        # The first time it may have been the machine; the second time give whatever is broken a moment.
        delay = retry_delay_seconds if strikes == MAX_STRIKES - 1 else 0.0
        return _requeue(conn, row, reason=reason, delay_seconds=delay, strikes=strikes)
    detail = f"{strikes} attempts in a row ended without a new checkpoint, the last one as {reason}"
    error = {"code": reason if reason in TELLING else WORKER_LOST, "detail": detail}
    return end(conn, row, state="failed", retain=retain, error=error, told=[lost], strikes=strikes)


def _requeue(conn: Connection, row: RowMapping, *, reason: str, delay_seconds: float, **values: Any) -> str:
    not_before = db_now() + delay_seconds
    move(conn, row, state="queued", ended_as=reason, reason=reason, not_before=not_before, **values)
    return "queued"


def _pause(conn: Connection, row: RowMapping, *, reason: str) -> str:
    move(conn, row, state="paused", ended_as=reason, reason=None)
    append(conn, job_id=row["id"], events=[NewEvent("job.paused", {"reason": reason})])
    return "paused"

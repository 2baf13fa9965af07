"""A job whose attempt ended without a result goes back to the queue, or fails at the third strike."""

from typing import Any

from sqlalchemy import Connection, RowMapping

from jobs.clock import db_now
from jobs.database import Database
from jobs.events import NewEvent, append
from jobs.leases.lease import Lease, fenced, leave_running, update_held
from jobs.leases.refusing import refuse_inspected

MAX_STRIKES = 3
WORKER_LOST = "worker_lost"


def release(db: Database, lease: Lease, *, reason: str, strike: bool, retry_delay_seconds: float = 5.0) -> None:
    """Give a job back: to the queue, or to `cancelled` when that was asked for.

    Args:
        db: The database.
        lease: Of the attempt that ends here.
        reason: A word that is shown while the job waits, e.g. `drained`.
        strike: Whether the attempt counts against the job: it ended, and not because its worker was told to stop.
        retry_delay_seconds: Before the attempt that follows a second strike; the one after the first comes at once.

    Raises:
        LeaseLostError: The job is somebody else's by now.
    """
    with fenced(db, lease) as conn:
        row = update_held(conn, lease)
        if strike:
            strike_out(conn, row, reason=reason, retry_delay_seconds=retry_delay_seconds)
        elif row["cancel_requested"] is not None:
            end(conn, row, state="cancelled")
        else:
            _requeue(conn, row, reason=reason, delay_seconds=0.0)
            append(conn, job_id=row["id"], events=[NewEvent("job.queued", {"reason": reason})])


def strike_out(conn: Connection, row: RowMapping, *, reason: str, retry_delay_seconds: float) -> str:
    """Count a strike against a running job, locked by the caller, and give the state it ends up in.

    A cancel that was asked for is granted. The third strike fails the job with `worker_lost`.
    """
    if row["cancel_requested"] is not None:
        return end(conn, row, state="cancelled")
    strikes = row["strikes"] + 1
    data = {"reason": reason, "strikes": strikes}
    append(conn, job_id=row["id"], events=[NewEvent("job.worker_lost", data, severity="warning")])
    if strikes < MAX_STRIKES:
        # The first time it may have been the machine; the second time give whatever is broken a moment.
        delay = retry_delay_seconds if strikes == MAX_STRIKES - 1 else 0.0
        return _requeue(conn, row, reason=reason, delay_seconds=delay, strikes=strikes)
    detail = f"{strikes} attempts in a row ended without a new checkpoint, the last one as {reason}"
    return end(conn, row, state="failed", error={"code": WORKER_LOST, "detail": detail}, strikes=strikes)


def end(conn: Connection, row: RowMapping, *, state: str, **values: Any) -> str:
    """Move a running job, locked by the caller, to `failed` or `cancelled` and write its last event.

    An inspection that ends so refuses what it was to inspect.
    """
    leave_running(conn, row["id"], state=state, finished_at=db_now(), reason=None, **values)
    error = values.get("error")
    data = {} if error is None else {"error": error}
    severity = "info" if error is None else "error"
    append(conn, job_id=row["id"], events=[NewEvent(f"job.{state}", data, severity=severity)])
    if row["kind"] == "inspect":
        refuse_inspected(conn, row, error or {"code": state, "detail": "the inspection was cancelled"})
    return state


def _requeue(conn: Connection, row: RowMapping, *, reason: str, delay_seconds: float, **values: Any) -> str:
    leave_running(conn, row["id"], state="queued", reason=reason, not_before=db_now() + delay_seconds, **values)
    return "queued"

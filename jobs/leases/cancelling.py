"""A client wants a job to end: at once when it waits, at the worker's next beat when it runs."""

from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, update

from jobs import trees
from jobs.clock import db_now
from jobs.database import Database
from jobs.events import NewEvent, append
from jobs.leases.asking import locked, must_allow, state_of
from jobs.leases.ending import Retain, end, for_good
from jobs.leases.moving import move
from jobs.retrying import retried
from jobs.tables import job

Keep = Literal["levels", "none"]
"""What stays of a cancelled job: the levels it has completed and its checkpoints, or nothing but its record."""


@retried
def request_cancel(db: Database, *, tenant: str, job_id: str, keep: Keep = "levels", retain: Retain = for_good) -> str:
    """Cancel a job and give the state it is shown in: `cancelled`, or `cancelling` until its worker has stopped.

    Asking twice gives the same answer. Once answered, the job can no longer succeed. A grid is cancelled with every
    child that is not done.

    Raises:
        NotFoundError: This tenant has no such job.
        InvalidTransitionError: It has ended otherwise.
    """
    with db.write() as conn:
        row = locked(conn, tenant=tenant, job_id=job_id)
        must_allow(row, "cancel")
        return cancel_one(conn, row, keep=keep, retain=retain)


def cancel_one(
    conn: Connection, row: RowMapping, *, keep: Keep = "levels", retain: Retain = for_good, reason: str | None = None
) -> str:
    """Cancel a job locked by the caller, whose state allows it, and give the state it is shown in.

    Args:
        conn: The caller's write transaction.
        row: The job as it stands; the open children of a grid are locked too.
        keep: What stays of it.
        retain: How long it is kept.
        reason: A word of the last event, where nobody asked for it: `pause_expired`.
    """
    state = state_of(row)
    if state in ("cancelling", "cancelled"):
        return state

    children = trees.open_children(conn, row["id"]) if row["kind"] == "grid" else []
    if children and row["state"] in ("queued", "paused"):
        # Shown as `cancelling` until the last child has stopped. Paused is no state to wait in: it would expire.
        asked: dict[str, Any] = {"cancel_requested": db_now(), "keep": keep}
        move(conn, row, state="queued", reason=None, pause_requested=None, pause_expires_at=None, **asked)
        append(conn, job_id=row["id"], events=[NewEvent("job.cancelling")])
        for child in children:
            cancel_one(conn, child, keep=keep, retain=retain, reason=reason)
        return state_of(locked(conn, job_id=row["id"]))
    asked = {"cancel_requested": db_now(), "keep": keep, "version": job.c.version + 1}
    row = conn.execute(update(job).where(job.c.id == row["id"]).values(**asked).returning(job)).mappings().one()
    if row["state"] == "running":
        append(conn, job_id=row["id"], events=[NewEvent("job.cancelling")])
        return "cancelling"
    return end(conn, row, state="cancelled", retain=retain, data={} if reason is None else {"reason": reason})

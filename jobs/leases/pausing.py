"""A client wants a job to wait, or to go on: at once when it waits already, at the worker's next beat when it runs."""

from typing import Any

from sqlalchemy import Connection, RowMapping, update

from jobs import trees
from jobs.clock import db_now
from jobs.database import Database
from jobs.events import NewEvent, append
from jobs.leases.asking import allows, locked, must_allow, state_of
from jobs.leases.moving import move
from jobs.retrying import retried
from jobs.tables import job

RESUMED = "resumed"


@retried
def request_pause(db: Database, *, tenant: str, job_id: str, pause_seconds: float) -> str:
    """Pause a job and give the state it is shown in: `paused`, or `pausing` until its worker has stopped.

    A running job writes a checkpoint and frees its slot. Asking twice gives the same answer and no more time. A grid
    is paused with every child that is not done.

    Args:
        db: The database.
        tenant: Whose job.
        job_id: Which.
        pause_seconds: A job that is paused for longer is cancelled.

    Raises:
        NotFoundError: This tenant has no such job.
        InvalidTransitionError: It is done, or was asked to end.
    """
    with db.write() as conn:
        row = locked(conn, tenant=tenant, job_id=job_id)
        must_allow(row, "pause")
        return pause_one(conn, row, pause_seconds=pause_seconds)


@retried
def request_resume(db: Database, *, tenant: str, job_id: str) -> str:
    """Let a paused job go on and give the state it is shown in; any worker takes it from its last checkpoint.

    Raises:
        NotFoundError: This tenant has no such job.
        InvalidTransitionError: It was not paused.
    """
    with db.write() as conn:
        row = locked(conn, tenant=tenant, job_id=job_id)
        must_allow(row, "resume")
        return resume_one(conn, row)


def pause_one(conn: Connection, row: RowMapping, *, pause_seconds: float) -> str:
    """Pause a job locked by the caller, whose state allows it, and give the state it is shown in."""
    state = state_of(row)
    if state in ("pausing", "paused"):
        return state
    for child in trees.open_children(conn, row["id"]) if row["kind"] == "grid" else ():
        if allows(child, "pause"):
            pause_one(conn, child, pause_seconds=pause_seconds)
    asked: dict[str, Any] = {"pause_requested": db_now(), "pause_expires_at": db_now() + pause_seconds}
    if row["state"] == "running":
        change = update(job).where(job.c.id == row["id"]).values(version=job.c.version + 1, **asked)
        conn.execute(change)
        append(conn, job_id=row["id"], events=[NewEvent("job.pausing")])
        return "pausing"
    move(conn, row, state="paused", reason=None, **asked)
    append(conn, job_id=row["id"], events=[NewEvent("job.paused")])
    return "paused"


def resume_one(conn: Connection, row: RowMapping) -> str:
    """Let a job locked by the caller, whose state allows it, go on, and give the state it is shown in."""
    for child in trees.open_children(conn, row["id"]) if row["kind"] == "grid" else ():
        if allows(child, "resume"):
            resume_one(conn, child)
    nothing: dict[str, Any] = {"pause_requested": None, "pause_expires_at": None}
    if row["state"] == "running":
        conn.execute(update(job).where(job.c.id == row["id"]).values(version=job.c.version + 1, **nothing))
        append(conn, job_id=row["id"], events=[NewEvent("job.resumed")])
        return "running"
    move(conn, row, state="queued", reason=RESUMED, **nothing)
    append(conn, job_id=row["id"], events=[NewEvent("job.resumed"), NewEvent("job.queued", {"reason": RESUMED})])
    return "queued"

"""A client wants a job to end: at once when it waits, at the worker's next beat when it runs."""

from sqlalchemy import select, update

from jobs.clock import db_now
from jobs.database import Database
from jobs.errors import InvalidTransitionError, NotFoundError
from jobs.events import NewEvent, append
from jobs.leases.lease import elapsed
from jobs.states import allowed, shown
from jobs.tables import job


def request_cancel(db: Database, *, tenant: str, job_id: str) -> str:
    """Cancel a job and give the state it is shown in: `cancelled`, or `cancelling` until its worker has stopped.

    Asking twice gives the same answer. Once answered, the job can no longer succeed.

    Raises:
        NotFoundError: This tenant has no such job.
        InvalidTransitionError: It has ended otherwise.
    """
    with db.write() as conn:
        mine = (job.c.id == job_id) & (job.c.tenant == tenant) & (job.c.kind == "search")
        row = conn.execute(select(job).where(mine).with_for_update()).mappings().one_or_none()
        if row is None:
            raise NotFoundError(f"expected the id of a job, got {job_id[:80]!r}, and there is none")
        state = shown(row["state"], cancel_requested=row["cancel_requested"] is not None)
        if state in ("cancelling", "cancelled"):
            return state
        if state == "running":
            conn.execute(update(job).where(mine).values(cancel_requested=db_now()))
            append(conn, job_id=job_id, events=[NewEvent("job.cancelling")])
            return "cancelling"
        if state != "queued":
            raise InvalidTransitionError("cancel", state, allowed(state))
        conn.execute(
            update(job)
            .where(mine)
            .values(
                state="cancelled",
                cancel_requested=db_now(),
                finished_at=db_now(),
                queued_seconds=job.c.queued_seconds + elapsed(),
                state_since=db_now(),
                reason=None,
            )
        )
        append(conn, job_id=job_id, events=[NewEvent("job.cancelled")])
        return "cancelled"

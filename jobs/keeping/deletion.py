"""A finished job goes, with all that belongs to it; its bytes are collected later, by whoever collects bytes."""

from sqlalchemy import Connection, RowMapping, delete

from jobs.database import Database
from jobs.errors import InvalidTransitionError, PartOfGridError
from jobs.leases.asking import locked, state_of
from jobs.retrying import retried
from jobs.states import DONE, allowed
from jobs.tables import job


@retried
def delete_job(db: Database, *, tenant: str, job_id: str) -> None:
    """Delete a job that is done, its log, levels, checkpoints, artifacts and attempts; a grid with its children.

    What was made from it, by rerun or fork, stays whole.

    Raises:
        NotFoundError: This tenant has no such job.
        InvalidTransitionError: It is not done.
        PartOfGridError: It is a child of a grid, with which it goes.
    """
    with db.write() as conn:
        row = locked(conn, tenant=tenant, job_id=job_id)
        state = state_of(row)
        if state not in DONE:
            raise InvalidTransitionError("delete", state, allowed(state))
        if row["parent_id"] is not None:
            raise PartOfGridError(f"expected a job of its own, got a child of {row['parent_id']}, with which it goes")
        delete_one(conn, row)


def delete_one(conn: Connection, row: RowMapping) -> None:
    """Delete a job that is done and no child, locked by the caller, with all that belongs to it."""
    conn.execute(delete(job).where(job.c.parent_id == row["id"]))
    conn.execute(delete(job).where(job.c.id == row["id"]))

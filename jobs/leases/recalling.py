"""An operator takes a job from its worker: whatever the worker writes afterwards is refused."""

from jobs import trees
from jobs.database import Database
from jobs.leases.asking import locked, must_allow, state_of
from jobs.leases.ending import Retain, for_good
from jobs.leases.requeueing import give_back
from jobs.retrying import retried

REQUEUED = "requeued"


@retried
def requeue(db: Database, *, job_id: str, retain: Retain = for_good) -> str:
    """Put a running job back into the queue without a strike, or where a client had asked it to go; give its state.

    Its lease is stale from then on. Of a grid, every child that runs is put back.

    Raises:
        NotFoundError: There is no such job.
        InvalidTransitionError: Neither it nor a child of it runs.
    """
    with db.write() as conn:
        row = locked(conn, job_id=job_id)
        children = trees.open_children(conn, job_id) if row["kind"] == "grid" else []
        running = [child for child in children if child["state"] == "running"]
        for child in running:
            give_back(conn, child, reason=REQUEUED, retain=retain)
        if running and row["state"] != "running":
            return state_of(locked(conn, job_id=job_id))
        must_allow(row, "requeue")
        return give_back(conn, row, reason=REQUEUED, retain=retain)

"""From one state to the next: what every move of a job has in common; decides no move."""

from typing import Any

from sqlalchemy import Connection, RowMapping, update

from jobs import attempts, counters, trees
from jobs.clock import db_now, now
from jobs.leases.lease import elapsed
from jobs.states import DONE
from jobs.tables import job

_SPENT = {"queued": "queued_seconds", "running": "running_seconds", "paused": "paused_seconds"}


def move(conn: Connection, row: RowMapping, *, state: str, ended_as: str | None = None, **values: Any) -> None:
    """Move a job, locked by the caller, from the state of `row` to another.

    The time it spent there is added up. Nobody owns it afterwards, and an attempt that ran is over.

    Args:
        conn: The caller's write transaction.
        row: The job as it stands.
        state: Where it goes; not `running`, which is a claim.
        ended_as: How its attempt ended, where that is another word than the state.
        values: Further columns.
    """
    spent = job.c[_SPENT[row["state"]]]
    conn.execute(
        update(job)
        .where(job.c.id == row["id"], job.c.state == row["state"])
        .values(
            **{
                "state": state,
                "owner": None,
                "lease_until": None,
                spent.name: spent + elapsed(),
                "state_since": db_now(),
                "version": job.c.version + 1,
            }
            | values
        )
    )
    if row["state"] == "running":
        attempts.end(conn, row["id"], row["attempt"], ended_as or state)
        held = round(1000 * max(0.0, now(conn) - row["state_since"]))
        counters.add(conn, tenant=row["tenant"], name=counters.DEVICE_MILLISECONDS, by=held)
    if row["parent_id"] is not None and state not in DONE:
        trees.child_moved(conn, row["parent_id"])

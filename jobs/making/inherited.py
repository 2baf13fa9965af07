"""What a job that goes on where another ended takes over of it: checkpoints, levels and facts; makes no job."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, select

from jobs import tables
from jobs.clock import now
from jobs.events import NewEvent, append


def take_over(conn: Connection, checkpoints: Sequence[RowMapping], *, to_job: str) -> None:
    """Give a job the checkpoints of another, with every fact that the newest of them carries and no later one.

    Args:
        conn: The caller's write transaction.
        checkpoints: Rows of one job, newest first; at least one.
        to_job: The job that goes on from them; it has no facts of its own yet.
    """
    newest = checkpoints[0]
    moment = now(conn)
    for kept in reversed(checkpoints):
        copy = {**kept, "job_id": to_job, "attempt": 0, "created_at": moment}
        conn.execute(tables.checkpoint.insert().values(copy))
    facts = _facts(conn, newest["job_id"], up_to=f"job.checkpoint_saved/{newest['number']}")
    append(conn, job_id=to_job, events=facts)
    completed = {(f.data["replicate"], f.data["level"]) for f in facts if f.type == "job.level_completed"}
    levels = select(tables.level).where(tables.level.c.job_id == newest["job_id"])
    for row in conn.execute(levels).mappings().all():
        if (row["replicate"], row["level"]) in completed:
            conn.execute(tables.level.insert().values({**row, "job_id": to_job, "created_at": moment}))


def _facts(conn: Connection, job_id: str, *, up_to: str) -> list[NewEvent]:
    """List a job's facts in order, up to one of them."""
    mine = tables.event.c.job_id == job_id, tables.event.c.fact.is_not(None)
    rows = conn.execute(select(tables.event).where(*mine).order_by(tables.event.c.seq)).mappings().all()
    seqs = [row["seq"] for row in rows if row["fact"] == up_to]
    last = seqs[0] if seqs else 0
    return [NewEvent(row["type"], row["data"], row["severity"]) for row in rows if row["seq"] <= last]

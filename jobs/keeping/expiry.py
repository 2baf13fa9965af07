"""What is kept for a time and is over it: jobs that ended long ago, and uploads that nothing was made of."""

from sqlalchemy import Connection, delete, exists, select

from jobs.clock import db_now
from jobs.database import Database
from jobs.keeping.deletion import delete_one
from jobs.states import DONE
from jobs.tables import blob_grant, dataset, job, model

BATCH = 100
"""How many jobs one sweep deletes at most."""


def delete_expired(db: Database) -> tuple[str, ...]:
    """Delete the jobs whose time is over, a grid with its children, and give their ids."""
    # A child goes with its grid, whatever its own time.
    over = job.c.expires_at < db_now(), job.c.parent_id.is_(None), job.c.state.in_(sorted(DONE))
    deleted = []
    with db.read() as conn:
        job_ids = conn.execute(select(job.c.id).where(*over).order_by(job.c.expires_at).limit(BATCH)).scalars().all()
    for job_id in job_ids:
        with db.write() as conn:
            still = select(job).where(job.c.id == job_id, *over).with_for_update(skip_locked=True)
            row = conn.execute(still).mappings().one_or_none()
            if row is not None:
                delete_one(conn, row)
                deleted.append(job_id)
    return tuple(deleted)


def forget_uploads(conn: Connection, *, older_than_seconds: float) -> int:
    """Take back the right to uploads that no model or dataset was made of in time, and say how many there were."""
    used = [
        exists().where(inputs.c.tenant == blob_grant.c.tenant, inputs.c.sha256 == blob_grant.c.sha256)
        for inputs in (model, dataset)
    ]
    old = blob_grant.c.created_at < db_now() - older_than_seconds
    return int(conn.execute(delete(blob_grant).where(old, *(~use for use in used))).rowcount)

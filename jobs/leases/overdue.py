"""What is over by the clock alone: leases, waits, runs and pauses that took too long; asks no client and no worker."""

from collections.abc import Callable
from functools import partial

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, select, update

from jobs import counters
from jobs.clock import db_now
from jobs.database import Database
from jobs.leases.cancelling import cancel_one
from jobs.leases.ending import Retain, end
from jobs.leases.lease import elapsed
from jobs.leases.requeueing import WORKER_LOST, strike_out
from jobs.retrying import retried
from jobs.tables import job

QUEUE_TIME, RUNNING_TIME, PAUSE_EXPIRED = "queue_time_exceeded", "running_time_exceeded", "pause_expired"
BATCH = 1000
"""How many of each kind one sweep settles at most."""

Act = Callable[[Connection, RowMapping], str]
Settled = dict[str, str]
"""Id of a job: the state it is shown in now."""


def end_leases(db: Database, *, retry_delay_seconds: float, retain: Retain) -> Settled:
    """Strike every job whose lease has run out."""

    def lose(conn: Connection, row: RowMapping) -> str:
        state = strike_out(conn, row, reason=WORKER_LOST, retry_delay_seconds=retry_delay_seconds, retain=retain)
        counters.add(conn, tenant=row["tenant"], name=counters.LEASES_LOST)
        return state

    return _each(db, _lease_is_over(), lose)


def renew_leases(db: Database, *, ttl_seconds: float) -> int:
    """Give every lease that has run out one more term, and say how many there were: their workers could not beat."""
    with db.write() as conn:
        over = update(job).where(_lease_is_over())
        renewed = conn.execute(over.values(lease_until=db_now() + ttl_seconds, version=job.c.version + 1))
        return int(renewed.rowcount)


def end_waits(db: Database, *, retain: Retain) -> Settled:
    """Fail every job that has waited in the queue for longer than it may, since it last came there."""
    # While it may not start yet it does not wait.
    since = case((job.c.not_before > job.c.state_since, job.c.not_before), else_=job.c.state_since)
    too_long = and_(job.c.state == "queued", job.c.max_queued_seconds >= 0, db_now() - since > job.c.max_queued_seconds)

    def fail(conn: Connection, row: RowMapping) -> str:
        detail = f"expected a start within {row['max_queued_seconds']:g} s, and no slot had taken it by then"
        return end(conn, row, state="failed", retain=retain, error={"code": QUEUE_TIME, "detail": detail})

    return _each(db, and_(too_long, job.c.kind == "search"), fail)


def end_runs(db: Database, *, patience_seconds: float, retain: Retain) -> Settled:
    """Fail every job that has run for longer than it may, all attempts together, and whose worker did not end it.

    Args:
        db: The database.
        patience_seconds: What its worker is given beyond the limit: it stops the run and writes the end itself.
        retain: How long a job that ends here is kept.
    """
    ran = job.c.running_seconds + elapsed()
    too_long = and_(job.c.state == "running", job.c.max_running_seconds + patience_seconds < ran)

    def fail(conn: Connection, row: RowMapping) -> str:
        if row["cancel_requested"] is not None:
            return end(conn, row, state="cancelled", retain=retain)
        detail = f"expected an end within {row['max_running_seconds']:g} s of running, all attempts together"
        return end(conn, row, state="failed", retain=retain, error={"code": RUNNING_TIME, "detail": detail})

    return _each(db, too_long, fail)


def end_pauses(db: Database, *, retain: Retain) -> Settled:
    """Cancel every job that was paused for too long, its levels kept."""
    over = and_(job.c.state == "paused", job.c.pause_expires_at < db_now())
    return _each(db, over, partial(cancel_one, retain=retain, reason=PAUSE_EXPIRED))


def _lease_is_over() -> ColumnElement[bool]:
    return and_(job.c.state == "running", job.c.lease_until < db_now())


def _each(db: Database, due: ColumnElement[bool], act: Act) -> Settled:
    """Settle every job that is due, each in a transaction of its own; two sweeps at once settle each of them once.

    In one transaction for all, a sweep that holds a grid and wants a child would meet the worker that holds the child
    and wants the grid. Children come before grids.
    """
    settled: Settled = {}
    with db.read() as conn:
        found = select(job.c.id).where(due).order_by(job.c.kind.desc(), job.c.id).limit(BATCH)
        job_ids = conn.execute(found).scalars().all()
    for job_id in job_ids:
        if (state := _one(db, job_id, due, act)) is not None:
            settled[job_id] = state
    return settled


@retried
def _one(db: Database, job_id: str, due: ColumnElement[bool], act: Act) -> str | None:
    """Settle a job if it is still due and nobody else is at it; None when not."""
    with db.write() as conn:
        still = select(job).where(job.c.id == job_id, due).with_for_update(skip_locked=True)
        row = conn.execute(still).mappings().one_or_none()
        return None if row is None else act(conn, row)

"""The right to run one job for a time, and the fence that outdates it: the number of the attempt."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, select, update

from jobs import counters, slots
from jobs.clock import db_now
from jobs.database import Database
from jobs.errors import LeaseLostError
from jobs.retrying import retried
from jobs.tables import job, slot


@dataclass(frozen=True)
class Lease:
    """One attempt's right to a job; every write carries it and is refused when it is stale."""

    job_id: str
    attempt: int
    owner: str
    tenant: str


@dataclass(frozen=True)
class Orders:
    """What is wanted of a running job and of its slot, read back with every beat."""

    cancel_requested: bool
    pause_requested: bool
    overrun: bool = False
    """It has run for as long as it may, all attempts together."""
    drain_requested: bool = False
    """Its slot is to give it back and take nothing new."""


def held(lease: Lease) -> ColumnElement[bool]:
    """Match the job's row while this lease is the one that counts."""
    return and_(job.c.id == lease.job_id, job.c.attempt == lease.attempt, job.c.state == "running")


@contextmanager
def fenced(db: Database, lease: Lease) -> Iterator[Connection]:
    """Open a write transaction for a lease; when the lease turns out stale nothing is written, and that is counted."""
    try:
        with db.write() as conn:
            yield conn
    except LeaseLostError:
        with db.write() as conn:
            counters.add(conn, tenant=lease.tenant, name=counters.STALE_WRITES_REFUSED)
        raise


def update_held(conn: Connection, lease: Lease, **values: Any) -> RowMapping:
    """Update the job's row if this lease still counts, lock it until the transaction ends, and give it back.

    Raises:
        LeaseLostError: It does not.
    """
    change = update(job).where(held(lease)).values(version=job.c.version + 1, **values).returning(job)
    row = conn.execute(change).mappings().one_or_none()
    if row is None:
        raise LeaseLostError(f"expected attempt {lease.attempt} to hold {lease.job_id}, but it holds it no longer")
    return row


def elapsed() -> ColumnElement[float]:
    """How long the job has been in its state, in seconds, never negative."""
    since = db_now() - job.c.state_since
    return case((since > 0, since), else_=0.0)


@retried
def beat(db: Database, lease: Lease, *, ttl_seconds: float, progress: Mapping[str, Any] | None = None) -> Orders:
    """Renew a lease, note that its slot lives, show the progress, and bring back what is wanted.

    Raises:
        LeaseLostError: The job was given to another attempt or has ended: stop the trainer, write nothing more.
    """
    values: dict[str, Any] = {"lease_until": db_now() + ttl_seconds}
    if progress is not None:
        values["progress"] = dict(progress)
    with fenced(db, lease) as conn:
        row = update_held(conn, lease, **values)
        slots.seen(conn, lease.owner, job_id=lease.job_id)
        draining = select(slot.c.drain_requested).where(slot.c.id == lease.owner)
        drain = conn.execute(draining).scalar_one_or_none() is not None
    limit = row["max_running_seconds"]
    ran = row["running_seconds"] + (row["lease_until"] - ttl_seconds - row["state_since"])
    return Orders(
        row["cancel_requested"] is not None,
        row["pause_requested"] is not None,
        overrun=limit is not None and ran >= limit,
        drain_requested=drain,
    )

"""Every attempt of every job, with how it ended and what its children printed; claims nothing and runs nothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, and_, select, update

from jobs import grants
from jobs.blobs import Stored
from jobs.clock import db_now, now
from jobs.database import Database
from jobs.errors import LeaseLostError
from jobs.retrying import retried
from jobs.tables import attempt, insert_if_absent

if TYPE_CHECKING:
    from jobs.leases.lease import Lease


@dataclass(frozen=True)
class Log:
    """What an attempt printed, as far as it is kept."""

    number: int
    stored: Stored | None
    """A blob; None while nothing was kept."""


def begin(conn: Connection, lease: "Lease", slot_kind: str) -> None:
    """Note that an attempt has begun, in the transaction that claims its job."""
    row = {
        "job_id": lease.job_id,
        "number": lease.attempt,
        "tenant": lease.tenant,
        "slot_id": lease.owner,
        "slot_kind": slot_kind,
        "started_at": now(conn),
    }
    insert_if_absent(conn, attempt, [row])


def end(conn: Connection, job_id: str, number: int, ended_as: str) -> None:
    """Note how an attempt ended: the state its job is in since, or the reason it waits again."""
    open_one = and_(_of(job_id, number), attempt.c.ended_at.is_(None))
    conn.execute(update(attempt).where(open_one).values(ended_at=db_now(), ended_as=ended_as[:64]))


@retried
def keep_log(db: Database, lease: "Lease", stored: Stored) -> None:
    """Note where the bytes are that an attempt has printed so far, a blob already; after its end too.

    Raises:
        LeaseLostError: There is no such attempt of this slot: its job was deleted.
    """
    mine = and_(_of(lease.job_id, lease.attempt), attempt.c.slot_id == lease.owner)
    with db.write() as conn:
        grants.record(conn, tenant=lease.tenant, stored=stored)
        kept = conn.execute(
            update(attempt).where(mine).values(log_sha256=stored.sha256, log_bytes=stored.bytes).returning(attempt)
        )
        if kept.one_or_none() is None:
            raise LeaseLostError(f"expected attempt {lease.attempt} of {lease.job_id}, and there is none")


def log_of(conn: Connection, *, tenant: str, job_id: str, number: int | None = None) -> Log | None:
    """Give the log of an attempt, of the newest where none is named; None when there was no such attempt."""
    mine = select(attempt).where(attempt.c.tenant == tenant, attempt.c.job_id == job_id)
    wanted = mine.order_by(attempt.c.number.desc()) if number is None else mine.where(attempt.c.number == number)
    row = conn.execute(wanted.limit(1)).one_or_none()
    if row is None:
        return None
    return Log(row.number, None if row.log_sha256 is None else Stored(row.log_sha256, row.log_bytes))


def _of(job_id: str, number: int) -> ColumnElement[bool]:
    return and_(attempt.c.job_id == job_id, attempt.c.number == number)

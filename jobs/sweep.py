"""Now and then, in every process: end leases that expired, say where hints are missing, forget what is over."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from jobs import idempotency, slots
from jobs.clock import db_now
from jobs.database import Database
from jobs.leases.claiming import claimable
from jobs.leases.requeueing import WORKER_LOST, strike_out
from jobs.settings import Settings
from jobs.tables import job

HINTS_PER_SLOT = 2


@dataclass(frozen=True)
class Swept:
    """What a sweep did, by id of the jobs; `hints` says how many each kind's queue should hold now."""

    requeued: tuple[str, ...]
    failed: tuple[str, ...]
    cancelled: tuple[str, ...]
    hints: Mapping[str, int]


def sweep(db: Database, *, settings: Settings) -> Swept:
    """Settle what nobody else can; any number of sweeps at once do each thing once.

    This alone ends an expired lease. Hints are counted per kind of slot and never per job: as many as there are
    claimable jobs, but not more than twice the slots that live.
    """
    with db.write() as conn:
        ended = _end_expired(conn, settings.retry_delay_seconds)
        slots.forget_silent(conn)
        idempotency.forget_old(conn)
    with db.read() as conn:
        hints = missing_hints(conn, live=slots.live(conn, within_seconds=settings.lease_ttl_seconds))
    db.fold()
    by_state = {state: tuple(i for i, s in ended.items() if s == state) for state in ("queued", "failed", "cancelled")}
    return Swept(by_state["queued"], by_state["failed"], by_state["cancelled"], hints)


def missing_hints(conn: Connection, *, live: Mapping[str, int]) -> dict[str, int]:
    """Say how many hints each kind's queue should hold; kinds that need none are left out.

    Args:
        conn: A transaction.
        live: Slots per kind, as `slots.live` counts them.
    """
    wanted = {}
    for kind, count in live.items():
        waiting = conn.execute(select(func.count()).select_from(job).where(claimable((kind,)))).scalar_one()
        if hints := min(waiting, HINTS_PER_SLOT * count):
            wanted[kind] = hints
    return wanted


def _end_expired(conn: Connection, retry_delay_seconds: float) -> dict[str, str]:
    """Strike the jobs whose lease has run out and give the state each ended up in."""
    expired = (
        select(job)
        .where(job.c.state == "running", job.c.lease_until < db_now())
        .order_by(job.c.lease_until)
        .with_for_update(skip_locked=True)
    )
    rows = conn.execute(expired).mappings().all()
    return {
        row["id"]: strike_out(conn, row, reason=WORKER_LOST, retry_delay_seconds=retry_delay_seconds) for row in rows
    }

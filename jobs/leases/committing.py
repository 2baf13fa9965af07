"""What an attempt has done so far becomes part of the job, all of it in one transaction, each fact once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from jobs import counters, grants
from jobs.blobs import Stored
from jobs.clock import now
from jobs.database import Database
from jobs.events import NewEvent, append
from jobs.leases.lease import Lease, fenced, update_held
from jobs.retrying import retried
from jobs.tables import checkpoint, insert_if_absent, job, level
from ticketing.folder import CHECKPOINT_VERSION

KEPT_CHECKPOINTS = 2


@dataclass(frozen=True)
class Checkpoint:
    """Where an attempt left off; its bytes are a blob already."""

    number: int
    sha256: str
    bytes: int
    where: Mapping[str, Any]
    """Replicate, stage, branch, level, step."""
    execution_key: Mapping[str, Any]


@dataclass(frozen=True)
class NewLevel:
    """A level that was completed."""

    replicate: int
    level: int
    kept: int
    total: int
    sparsity: float
    data: Mapping[str, Any]
    """All that the run told about it."""


@retried
def commit(
    db: Database,
    lease: Lease,
    *,
    events: Sequence[NewEvent] = (),
    checkpoint: Checkpoint | None = None,
    levels: Sequence[NewLevel] = (),
    phase: str | None = None,
    warnings: Sequence[Mapping[str, Any]] = (),
) -> int:
    """Write events, levels and the checkpoint that carries them, all or nothing, and give the job's last seq.

    A fact, level or checkpoint number the job has already is not written again, so that a repeated call changes
    nothing. A checkpoint further than every one before it takes the strikes away.

    Raises:
        LeaseLostError: Nothing was written.
    """
    with fenced(db, lease) as conn:
        row = update_held(conn, lease, **({} if phase is None else {"phase": phase}))
        if warnings:
            _add_warnings(conn, lease, row["warnings"], warnings)
        _store_levels(conn, lease, levels)
        if checkpoint is not None:
            _store(conn, lease, checkpoint)
        return append(conn, job_id=lease.job_id, events=events)


def _add_warnings(
    conn: Connection, lease: Lease, known: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> None:
    merged = [dict(warning) for warning in known]
    merged += [dict(warning) for warning in new if dict(warning) not in merged]
    conn.execute(update(job).where(job.c.id == lease.job_id).values(warnings=merged))


def _store_levels(conn: Connection, lease: Lease, levels: Sequence[NewLevel]) -> None:
    """Insert the levels the job does not have yet, and count them."""
    if not levels:
        return
    told = conn.execute(select(level.c.replicate, level.c.level).where(level.c.job_id == lease.job_id))
    known = {(row.replicate, row.level) for row in told}
    fresh = [new for new in levels if (new.replicate, new.level) not in known]
    insert_if_absent(conn, level, [_level_row(conn, lease, new) for new in fresh])
    counters.add_levels(conn, tenant=lease.tenant, seconds=[float(new.data.get("seconds", 0.0)) for new in fresh])


def _level_row(conn: Connection, lease: Lease, new: NewLevel) -> dict[str, Any]:
    return {
        "job_id": lease.job_id,
        "replicate": new.replicate,
        "level": new.level,
        "tenant": lease.tenant,
        "kept": new.kept,
        "total": new.total,
        "sparsity": new.sparsity,
        "data": dict(new.data),
        "created_at": now(conn),
    }


def _store(conn: Connection, lease: Lease, new: Checkpoint) -> None:
    mine = checkpoint.c.job_id == lease.job_id
    furthest = conn.execute(select(func.max(checkpoint.c.number)).where(mine)).scalar_one()
    grants.record(conn, tenant=lease.tenant, stored=Stored(new.sha256, new.bytes))
    # An attempt that could not read the newest checkpoint goes on from the one before and makes it again.
    conn.execute(delete(checkpoint).where(mine, checkpoint.c.number == new.number))
    conn.execute(
        checkpoint.insert().values(
            job_id=lease.job_id,
            number=new.number,
            tenant=lease.tenant,
            attempt=lease.attempt,
            sha256=new.sha256,
            bytes=new.bytes,
            where=dict(new.where),
            execution_key=dict(new.execution_key),
            created_at=now(conn),
        )
    )
    conn.execute(delete(checkpoint).where(mine, checkpoint.c.number <= new.number - KEPT_CHECKPOINTS))
    further = {"strikes": 0} if furthest is None or new.number > furthest else {}
    # Whoever takes the job next has to read it.
    known = {"checkpoint_version": CHECKPOINT_VERSION}
    conn.execute(update(job).where(job.c.id == lease.job_id).values(**known, **further))

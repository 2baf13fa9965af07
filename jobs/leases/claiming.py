"""Which job a slot takes next; knows no Celery: a hint only says that looking may be worth it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update

from jobs import attempts, slots, trees
from jobs.clock import db_now
from jobs.database import Database
from jobs.inputs import Dataset, Model, find_dataset, find_model
from jobs.leases.committing import Checkpoint
from jobs.leases.lease import Lease, elapsed
from jobs.retrying import retried
from jobs.slots import SlotIdentity
from jobs.tables import checkpoint, job
from jobs.waiting.burdens import is_full
from jobs.waiting.turns import Head, Look, claimable, in_turn, look

AT_ONCE = 64
"""So many slots may be taking from one lane at the same instant without one of them finding nothing."""


@dataclass(frozen=True)
class Claim:
    """A job as the slot that runs it needs it."""

    lease: Lease
    kind: str
    """`search`; `inspect` of the model or the dataset given; `grid`: its points are all done, gather them."""
    name: str | None
    labels: Mapping[str, str]
    device: str
    resolved_recipe: Mapping[str, Any] | None
    gates: Mapping[str, float | None]
    strikes: int
    model: Model | None
    dataset: Dataset | None
    checkpoints: tuple[Checkpoint, ...]
    """The last two, newest first."""
    origin: Mapping[str, Any] | None = None
    """What the job was made from, e.g. `{"kind": "fork", "job": ..., "level": 3, "checkpoint": sha256}`."""
    parent_id: str | None = None
    """The grid it is one point of."""
    point: Mapping[str, Any] | None = None
    """Which point of that grid."""


@retried
def claim(db: Database, *, slot: SlotIdentity, ttl_seconds: float) -> Claim | None:
    """Take the next job that suits a slot, or None when there is none, or when the slot drains or is blocked.

    The tenant with the fewest running jobs first, then priority, then age. Two slots never get the same job, and a
    slot gets none whose recipe or checkpoints are newer than it knows. A job that another slot is taking at the same
    instant counts as running.
    """
    if not has_work(db, slot=slot):
        return None
    with db.write() as conn:
        while (found := _found(conn, slot)) is not None:
            job_id, grid_id = found
            if grid_id is None or not is_full(conn, grid_id):
                return _take(conn, job_id, slot, ttl_seconds)
    return None


def has_work(db: Database, *, slot: SlotIdentity) -> bool:
    """Say whether there is a job for a slot; reads alone, so that an idle slot holds no writer up."""
    with db.read() as conn:
        return slots.may_claim(conn, slot.id) and bool(in_turn(conn, look(conn, slot)))


def _found(conn: Connection, slot: SlotIdentity) -> tuple[str, str | None] | None:
    """Find the next job and the grid it belongs to, and lock it; one that another slot is taking is passed over, and
    is one more that its tenant has."""
    if not slots.may_claim(conn, slot.id):
        return None
    seen = look(conn, slot)
    burden = Counter(seen.running.by_tenant)
    waiting = {head: _first_of(conn, seen, head) for head in in_turn(conn, seen)}
    while waiting:
        head = min(waiting, key=lambda head: head.turn(burden))
        if (job_id := next(waiting[head], None)) is None:
            del waiting[head]
            continue
        mine = select(job.c.id, job.c.parent_id).where(job.c.id == job_id, job.c.state == "queued")
        if (row := conn.execute(mine.with_for_update(skip_locked=True)).one_or_none()) is not None:
            return row.id, row.parent_id
        burden[head.tenant] += 1
    return None


def _first_of(conn: Connection, seen: Look, head: Head) -> Iterator[str]:
    """Give the head of a lane, and when that is being taken whoever comes after it."""
    yield head.id
    lane = claimable(head.kind, head.tenant, head.device, uploads=seen.slot.accepts_uploads).limit(AT_ONCE)
    yield from (job_id for job_id in conn.execute(lane, seen.words).scalars().all() if job_id != head.id)


def _take(conn: Connection, job_id: str, slot: SlotIdentity, ttl_seconds: float) -> Claim:
    change = (
        update(job)
        .where(job.c.id == job_id, job.c.state == "queued")
        .values(
            state="running",
            attempt=job.c.attempt + 1,
            owner=slot.id,
            lease_until=db_now() + ttl_seconds,
            reason=None,
            started_at=func.coalesce(job.c.started_at, db_now()),
            queued_seconds=job.c.queued_seconds + elapsed(),
            state_since=db_now(),
            version=job.c.version + 1,
        )
        .returning(job)
    )
    row = conn.execute(change).mappings().one()
    model_id, dataset_id = row["model_id"], row["dataset_id"]
    if row["kind"] == "inspect":
        model_id, dataset_id = row["inspects_model"], row["inspects_dataset"]
    if row["kind"] == "grid":  # gathering reads neither
        model_id = dataset_id = None
    lease = Lease(job_id, row["attempt"], slot.id, row["tenant"])
    attempts.begin(conn, lease, slot.kinds[0])
    if row["parent_id"] is not None:
        trees.child_started(conn, row["parent_id"])
    return Claim(
        lease=lease,
        kind=row["kind"],
        name=row["name"],
        labels=row["labels"],
        device=row["device"],
        resolved_recipe=row["resolved_recipe"],
        gates=row["gates"],
        strikes=row["strikes"],
        model=find_model(conn, tenant=row["tenant"], model_id=model_id) if model_id else None,
        dataset=find_dataset(conn, tenant=row["tenant"], dataset_id=dataset_id) if dataset_id else None,
        checkpoints=_last_two(conn, job_id),
        origin=row["origin"],
        parent_id=row["parent_id"],
        point=row["point"],
    )


def _last_two(conn: Connection, job_id: str) -> tuple[Checkpoint, ...]:
    mine = select(checkpoint).where(checkpoint.c.job_id == job_id).order_by(checkpoint.c.number.desc()).limit(2)
    return tuple(
        Checkpoint(row.number, row.sha256, row.bytes, row.where, row.execution_key) for row in conn.execute(mine)
    )

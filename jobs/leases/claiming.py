"""Which job a slot takes next; knows no Celery: a hint only says that looking may be worth it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, update

from jobs.clock import db_now
from jobs.database import Database
from jobs.inputs import Dataset, Model, find_dataset, find_model
from jobs.leases.committing import Checkpoint
from jobs.leases.lease import Lease, elapsed
from jobs.slots import SlotIdentity, kinds_for
from jobs.tables import checkpoint, dataset, job, model


@dataclass(frozen=True)
class Claim:
    """A job as the slot that runs it needs it."""

    lease: Lease
    kind: str
    """`search`, or `inspect` of the model or the dataset given."""
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


def claimable(kinds: Sequence[str]) -> ColumnElement[bool]:
    """Match the queued jobs whose time has come, whose inputs are ready, and that a slot of these kinds may run."""
    devices = {device for device in ("any", "cpu", "gpu") if set(kinds_for("search", device)) & set(kinds)}
    suits = and_(job.c.kind == "search", job.c.device.in_(sorted(devices)))
    if "inspect" in kinds:
        suits = or_(suits, job.c.kind == "inspect")
    return and_(
        job.c.state == "queued",
        job.c.not_before <= db_now(),
        job.c.cancel_requested.is_(None),
        job.c.pause_requested.is_(None),
        or_(job.c.model_id.is_(None), _ready(model, job.c.model_id)),
        or_(job.c.dataset_id.is_(None), _ready(dataset, job.c.dataset_id)),
        suits,
    )


def claim(db: Database, *, slot: SlotIdentity, ttl_seconds: float) -> Claim | None:
    """Take the next job that suits a slot, or None when there is none.

    The tenant with the fewest running jobs first, then priority, then age. Two slots never get the same job.
    """
    with db.write() as conn:
        job_id = conn.execute(_next(slot)).scalar_one_or_none()
        return None if job_id is None else _take(conn, job_id, slot, ttl_seconds)


def _next(slot: SlotIdentity) -> Select[str]:
    running = job.alias("running")
    of_same_tenant = and_(running.c.tenant == job.c.tenant, running.c.state == "running")
    burden = select(func.count()).select_from(running).where(of_same_tenant).scalar_subquery()
    wanted = claimable(slot.kinds)
    if not slot.accepts_uploads:
        wanted = and_(wanted, *_no_uploads())
    return (
        select(job.c.id)
        .where(wanted)
        .order_by(burden, job.c.priority.desc(), job.c.created_at, job.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


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
    return Claim(
        lease=Lease(job_id, row["attempt"], slot.id, row["tenant"]),
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
    )


def _last_two(conn: Connection, job_id: str) -> tuple[Checkpoint, ...]:
    mine = select(checkpoint).where(checkpoint.c.job_id == job_id).order_by(checkpoint.c.number.desc()).limit(2)
    return tuple(
        Checkpoint(row.number, row.sha256, row.bytes, row.where, row.execution_key) for row in conn.execute(mine)
    )


def _ready(inputs: Any, wanted: ColumnElement[str]) -> ColumnElement[bool]:
    return select(inputs.c.id).where(inputs.c.id == wanted, inputs.c.state == "ready").exists()


def _no_uploads() -> tuple[ColumnElement[bool], ...]:
    """Match jobs whose model and dataset, inspected or used, are ours and not somebody's file."""
    return tuple(
        ~select(inputs.c.id).where(inputs.c.id.in_(columns), inputs.c.sha256.is_not(None)).exists()
        for inputs, columns in (
            (model, (job.c.model_id, job.c.inspects_model)),
            (dataset, (job.c.dataset_id, job.c.inspects_dataset)),
        )
    )

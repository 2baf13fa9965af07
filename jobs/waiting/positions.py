"""Where queued jobs stand among those of their tenant, and why they do not start; counts no further than a bound.

Tenants take turns, so that a place in one queue over all of them would say nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, select, union_all

from jobs.slots import Able, kinds_for
from jobs.tables import job
from jobs.waiting.turns import BY_AGE, DEVICES, lane

BOUND = 1000
"""A job with as many before it has no position."""
FAR_BACK = "more_than_1000_ahead"
"""Why it has none."""


def positions(conn: Connection, rows: Sequence[RowMapping]) -> dict[str, int]:
    """Give the places, from 1, of those rows that are queued and not too far back.

    Args:
        conn: A transaction.
        rows: Of the job table, all of one tenant.
    """
    queued = [row for row in rows if row["state"] == "queued" and row["kind"] == "search"]
    if not queued:
        return {}
    if len(queued) > 1:
        return _first(conn, queued)
    before = _before(conn, queued[0])
    return {} if before >= BOUND else {queued[0]["id"]: before + 1}


def queue_object(row: RowMapping, position: int | None, able: Iterable[Able]) -> dict[str, Any] | None:
    """Show where a queued job stands and why it does not start; None once it has.

    Args:
        row: Of the job table, with the `state` and `sent` of its model and dataset.
        position: As `positions` gives it.
        able: As `slots.able` gives it.
    """
    if row["state"] != "queued":
        return None
    reason = None if position is not None or row["kind"] == "grid" else FAR_BACK
    if not any(_can_run(slot, row) for slot in able):
        reason = "no_worker_for_device"
    for name in ("dataset", "model"):
        if row[f"{name}_state"] == "inspecting":
            reason = f"waiting_for_{name}"
    if row["children_open"]:
        reason = "waiting_for_children"
    return {"position": position, "reason": reason}


def _before(conn: Connection, row: RowMapping) -> int:
    """Count who is before a job, each part of the order as a stretch of the index of its own."""
    same = job.c.priority == row["priority"]
    stretches = (
        job.c.priority > row["priority"],
        and_(same, job.c.created_at < row["created_at"]),
        and_(same, job.c.created_at == row["created_at"], job.c.id < row["id"]),
    )
    counts = []
    for device in DEVICES:
        for stretch in stretches:
            # In its order, so that PostgreSQL reads the index and no more of it than is counted.
            some = select(job.c.id).where(_mine(row, device), stretch).order_by(*BY_AGE).limit(BOUND).subquery()
            counts.append(select(func.count().label("jobs")).select_from(some))
    every = union_all(*counts).subquery()
    return int(conn.execute(select(func.sum(every.c.jobs))).scalar_one())


def _first(conn: Connection, queued: Sequence[RowMapping]) -> dict[str, int]:
    """Number the head of the queue once, and look the rows up in it."""
    columns = (job.c.id, job.c.priority, job.c.created_at)
    heads = [
        select(select(*columns).where(_mine(queued[0], device)).order_by(*BY_AGE).limit(BOUND).subquery())
        for device in DEVICES
    ]
    every = union_all(*heads).subquery()
    place = func.row_number().over(order_by=(every.c.priority.desc(), every.c.created_at, every.c.id))
    numbered = select(every.c.id, place.label("place")).subquery()
    wanted = numbered.c.id.in_([row["id"] for row in queued]), numbered.c.place <= BOUND
    return {row.id: row.place for row in conn.execute(select(numbered).where(*wanted))}


def _mine(row: RowMapping, device: str) -> ColumnElement[bool]:
    return lane(row["kind"], row["tenant"], device)


def _can_run(slot: Able, row: RowMapping) -> bool:
    """Say whether a slot could ever run a job, whatever it waits for right now."""
    return (
        slot.kind in kinds_for(row["kind"], row["device"])
        and slot.recipe_version >= row["recipe_version"]
        and slot.checkpoint_version >= row["checkpoint_version"]
        and (slot.uploads or (row["model_sent"] is None and row["dataset_sent"] is None))
    )

"""Whose turn it is: the heads of the queues a slot may take from, in the order it should; takes nothing itself.

What waits lies in lanes: one per kind, tenant and device, each in the order of `ix_job_queue`. A slot looks at the head
of each lane alone, so that its cost grows with the tenants that wait and with the jobs that run, and never with the
jobs that wait.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Connection,
    Double,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    select,
    union_all,
)

from jobs.clock import now
from jobs.slots import SlotIdentity, kinds_for
from jobs.tables import dataset, job, model
from jobs.waiting.burdens import Running, running_now

BY_AGE = (job.c.priority.desc(), job.c.created_at, job.c.id)
"""Priority, then age."""
DEVICES = ("any", "cpu", "gpu")
_SHA256_LENGTH = 64
_READ = (
    job.c.id, job.c.parent_id, job.c.cancel_requested, job.c.pause_requested, job.c.children_open,
    job.c.recipe_version, job.c.checkpoint_version, job.c.model_id, job.c.dataset_id, job.c.inspects_model,
    job.c.inspects_dataset,
)  # fmt: skip


@dataclass(frozen=True)
class Head:
    """The first job in a lane that a slot may take."""

    id: str
    kind: str
    tenant: str
    device: str
    priority: int
    created_at: float

    def turn(self, burden: Mapping[str, int]) -> tuple[int, int, float, str]:
        """Say where it stands among heads: its tenant's running jobs, then priority, then age; the least is first."""
        return burden.get(self.tenant, 0), -self.priority, self.created_at, self.id


def lanes(slot_kinds: Iterable[str]) -> list[tuple[str, str]]:
    """List the kinds and devices of the jobs that slots of these kinds may take."""
    mine = set(slot_kinds)
    every = [("search", device) for device in DEVICES] + [("grid", device) for device in DEVICES] + [("inspect", "any")]
    return [(kind, device) for kind, device in every if mine & set(kinds_for(kind, device))]


@dataclass(frozen=True)
class Look:
    """What a slot finds when it looks for a job."""

    slot: SlotIdentity
    moment: float
    running: Running

    @property
    def words(self) -> dict[str, Any]:
        """What the queries of this module, which are built once, are to be asked with."""
        known = self.slot.capabilities
        return {
            # The time as a number, so that PostgreSQL can look for it in the index.
            "moment": self.moment,
            "recipe_known": known.recipe_version,
            "checkpoint_known": known.checkpoint_version,
            "full_grids": self.running.full_grids or ("none",),
        }


def look(conn: Connection, slot: SlotIdentity) -> Look:
    """See what runs, and what time it is by the database's clock."""
    return Look(slot, now(conn), running_now(conn))


def claimable(
    kind: str, tenant: ColumnElement[str] | str, device: str, *, uploads: bool, outer: CTE | None = None
) -> Select[str]:
    """Select the ids in a lane that wait for nothing but a slot, in the lane's order; ask with a `Look`'s words.

    The lane is a query of its own that stands in its order, so that whoever stops early reads no further: as one
    query PostgreSQL takes the conditions for rare and would rather sort all that waits.
    """
    due = job.c.not_before <= bindparam("moment", type_=Double)
    ordered = select(*_READ).where(lane(kind, tenant, device), due).order_by(*BY_AGE).offset(0)
    waiting = (ordered if outer is None else ordered.correlate(outer)).subquery("waiting")
    conditions = _conditions(waiting.c)
    if kind != "grid":  # which reads what its points have made, and no input itself
        conditions += _inputs(waiting.c, uploads=uploads)
    found = select(waiting.c.id).where(*conditions)
    return found if outer is None else found.correlate(outer)


def in_turn(conn: Connection, seen: Look) -> list[Head]:
    """List the heads of the lanes a slot may take from: the tenant with the fewest running, then priority, then age."""
    # Two queries: joined into one, PostgreSQL would rather read the whole table than look up a head for each lane.
    query = _heads(seen.slot.kinds, seen.slot.accepts_uploads)
    ids = [found for found in conn.execute(query, seen.words).scalars() if found is not None]
    if not ids:
        return []
    columns = (job.c.id, job.c.kind, job.c.tenant, job.c.device, job.c.priority, job.c.created_at)
    heads = [Head(**row) for row in conn.execute(select(*columns).where(job.c.id.in_(ids))).mappings()]
    return sorted(heads, key=lambda head: head.turn(seen.running.by_tenant))


def lane(kind: str, tenant: ColumnElement[str] | str, device: str) -> ColumnElement[bool]:
    """Match what waits in a lane; all four are columns of `ix_job_queue`, in its order."""
    return and_(job.c.state == "queued", job.c.kind == kind, job.c.tenant == tenant, job.c.device == device)


def tenants_waiting(kind: str) -> CTE:
    """Select the tenants with queued jobs of a kind, one step through the index for each."""
    first = select(job.c.tenant).where(job.c.state == "queued", job.c.kind == kind).order_by(job.c.tenant).limit(1)
    waiting = select(first.scalar_subquery().label("tenant")).cte(f"waiting_{kind}", recursive=True)
    after = first.where(job.c.tenant > waiting.c.tenant).correlate(waiting).scalar_subquery()
    return waiting.union_all(select(after).where(waiting.c.tenant.is_not(None)))


@cache
def _heads(slot_kinds: tuple[str, ...], uploads: bool) -> CompoundSelect[Any]:
    found = []
    for kind, pairs in groupby(lanes(slot_kinds), key=lambda pair: pair[0]):
        tenants = tenants_waiting(kind)
        for _, device in pairs:
            first = claimable(kind, tenants.c.tenant, device, uploads=uploads, outer=tenants).limit(1)
            found.append(select(first.scalar_subquery().label("id")).where(tenants.c.tenant.is_not(None)))
    return union_all(*found)


def _conditions(waiting: Any) -> list[ColumnElement[bool]]:
    """Match the jobs that wait for nothing but a slot and their inputs, and that this slot is new enough for.

    Written as what most jobs are not: PostgreSQL takes `=` and `IS NULL` for rare where it cannot know better, and
    would then read and sort everything that waits to find one.
    """
    return [
        func.coalesce(waiting.cancel_requested, waiting.pause_requested, 0) <= 0,
        waiting.children_open <= 0,
        waiting.recipe_version <= bindparam("recipe_known", type_=Integer),
        waiting.checkpoint_version <= bindparam("checkpoint_known", type_=Integer),
        func.coalesce(waiting.parent_id, "").not_in(bindparam("full_grids", expanding=True)),
    ]


def _inputs(waiting: Any, *, uploads: bool) -> list[ColumnElement[bool]]:
    """Match the jobs whose inputs are ready, and are no uploads unless the slot may open them."""
    conditions = [_is_ready(model, waiting.model_id), _is_ready(dataset, waiting.dataset_id)]
    if not uploads:
        conditions.append(_is_ours(model, func.coalesce(waiting.model_id, waiting.inspects_model)))
        conditions.append(_is_ours(dataset, func.coalesce(waiting.dataset_id, waiting.inspects_dataset)))
    return conditions


def _is_ready(inputs: Any, wanted: ColumnElement[Any]) -> ColumnElement[bool]:
    # Not EXISTS: PostgreSQL would rather read every input there is into a table of hashes.
    state = select(inputs.c.state).where(inputs.c.id == wanted).correlate_except(inputs).scalar_subquery()
    return func.coalesce(state, "ready").not_in(("inspecting", "refused"))


def _is_ours(inputs: Any, wanted: ColumnElement[Any]) -> ColumnElement[bool]:
    """Match jobs whose input, inspected or used, is no file somebody sent."""
    sent = select(inputs.c.sha256).where(inputs.c.id == wanted).correlate_except(inputs).scalar_subquery()
    return func.length(func.coalesce(sent, "")) != _SHA256_LENGTH

"""A job made from another: run again, or forked from one of its levels; resolves no recipe and opens no checkpoint.

The first job stays as it is: what is made is another job, whose `origin` names it. Every function works inside the
caller's transaction.
"""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, select

from jobs import tables
from jobs.clock import now
from jobs.errors import InvalidTransitionError, LevelNotKeptError, NotFoundError
from jobs.leases.asking import state_of
from jobs.making.creation import inputs_of
from jobs.making.enqueueing import enqueue
from jobs.making.follow_ups import ForkSubmission
from jobs.making.inherited import take_over
from jobs.making.submissions import JobSubmission, parse
from jobs.states import DONE, allowed
from ticketing.folder import StartSpec
from ticketing.plans.start import overridden

Start = Literal["checkpoint", "scratch"]
ORDER_SECONDS = 1e-5
"""Between the times two children of a grid are said to be made at: their order is that of the points."""
_COPIED = (
    "name", "labels", "priority", "device", "model_id", "dataset_id", "search", "recipe", "resolved_recipe", "gates",
    "max_queued_seconds", "max_running_seconds", "recipe_version", "estimated_flops",
)  # fmt: skip


@dataclass(frozen=True)
class Parent:
    """The job another is to be made from."""

    row: RowMapping
    checkpoints: tuple[RowMapping, ...]
    """Those that are left, newest first."""

    @property
    def start(self) -> StartSpec | None:
        """Where it started from itself, when it is a fork, or a fork run again."""
        found = (self.row["origin"] or {}).get("start")
        return None if found is None else StartSpec.model_validate(found)


def parent_of(conn: Connection, *, tenant: str, job_id: str) -> Parent:
    """Look up the job that another is to be made from; a grid is one too.

    Raises:
        NotFoundError: This tenant has none of that id.
    """
    mine = tables.job.c.id == job_id, tables.job.c.tenant == tenant, tables.job.c.kind.in_(("search", "grid"))
    row = conn.execute(select(tables.job).where(*mine)).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"expected the id of a job, got {job_id[:80]!r}, and there is none")
    return _parent(conn, row)


def _parent(conn: Connection, row: RowMapping) -> Parent:
    left = select(tables.checkpoint).where(tables.checkpoint.c.job_id == row["id"])
    newest = left.order_by(tables.checkpoint.c.number.desc())
    return Parent(row, tuple(conn.execute(newest).mappings().all()))


def rerun(conn: Connection, *, tenant: str, job_id: str, start: Start) -> str:
    """Make a job that does again what one did that is done, and give its id; a grid is made with all its children.

    From the checkpoint it takes over the newest two checkpoints with the levels and the facts up to them; where none
    is left, and from scratch, it begins at the beginning, or where the first job had been forked.

    Raises:
        NotFoundError: This tenant has no such job.
        InvalidTransitionError: It is not done.
        LevelNotKeptError: It was a fork, and the checkpoint it started from is gone.
        RequestError: Its model or dataset was refused.
    """
    parent = parent_of(conn, tenant=tenant, job_id=job_id)
    state = state_of(parent.row)
    if state not in DONE:
        raise InvalidTransitionError("rerun", state, allowed(state))
    inputs_of(conn, tenant=tenant, submission=as_submitted(parent.row), check_header=lambda *_: None)
    return _grid_again(conn, parent, start) if parent.row["kind"] == "grid" else again(conn, parent, start)


def again(conn: Connection, parent: Parent, start: Start, *, kind: str = "rerun", **columns: Any) -> str:
    """Make a job like another, for which `columns` say what differs, and give its id; raises as `rerun`."""
    row, begun = parent.row, parent.start
    _must_be_there(conn, begun)
    checkpoints = parent.checkpoints[:2] if start == "checkpoint" else ()
    origin = {"kind": kind, "job": row["id"]} | _started(begun)
    if begun is None and checkpoints:
        origin["checkpoint"] = checkpoints[0]["sha256"]
    columns = {name: row[name] for name in _COPIED} | columns
    columns["progress"] = {"fraction": 0.0, "level": 0, "levels_total": row["progress"].get("levels_total")}
    if checkpoints or begun is not None:
        columns["checkpoint_version"] = row["checkpoint_version"]
    made = enqueue(conn, tenant=row["tenant"], kind="search", origin=origin, **columns)
    if checkpoints:
        take_over(conn, checkpoints, to_job=made)
    return made


def _grid_again(conn: Connection, parent: Parent, start: Start) -> str:
    row, moment = parent.row, now(conn)
    mine = select(tables.job).where(tables.job.c.parent_id == row["id"])
    children = conn.execute(mine.order_by(tables.job.c.created_at, tables.job.c.id)).mappings().all()
    columns = {name: row[name] for name in (*_COPIED, "grid")}
    columns |= {"children_open": len(children), "progress": {"fraction": 0.0}, "created_at": moment}
    origin = {"kind": "rerun", "job": row["id"]}
    made = enqueue(conn, tenant=row["tenant"], kind="grid", origin=origin, **columns)
    for index, child in enumerate(children, start=1):
        place = {"parent_id": made, "point": child["point"], "created_at": moment + index * ORDER_SECONDS}
        again(conn, _parent(conn, child), start, **place)
    return made


def forked(parent: Parent, wanted: ForkSubmission) -> JobSubmission:
    """Write down a fork as if it had been sent as a job of its own.

    Raises:
        RequestError: The parent is a grid.
    """
    own = wanted.model_dump(exclude_none=True, exclude={"from_level", "recipe"}, mode="json")
    recipe = overridden(parent.row["resolved_recipe"] or {}, wanted.recipe)
    return parse(JobSubmission, as_submitted(parent.row).model_dump(mode="json") | own | {"recipe": recipe})


def fork_origin(start: StartSpec) -> dict[str, Any]:
    """Give the `origin` of a fork, and with it all that its worker needs to start."""
    return {"kind": "fork", "job": start.job} | _started(start)


def as_submitted(row: RowMapping) -> JobSubmission:
    """Give a job as it could have been sent, its inputs by their ids; when it may start is not repeated."""
    raw = {name: row[name] for name in ("name", "labels", "priority", "device", "recipe", "gates")}
    limits = {name: row[name] for name in ("max_queued_seconds", "max_running_seconds")}
    return parse(JobSubmission, raw | {"model": row["model_id"], "dataset": row["dataset_id"], "limits": limits})


def _started(start: StartSpec | None) -> dict[str, Any]:
    if start is None:
        return {}
    # `checkpoint` is what keeps the bytes from being collected while the job is not done.
    return {"level": start.level, "checkpoint": start.sha256, "start": start.model_dump(mode="json")}


def _must_be_there(conn: Connection, start: StartSpec | None) -> None:
    if start is None:
        return
    there = select(tables.blob.c.sha256).where(tables.blob.c.sha256 == start.sha256)
    if conn.execute(there).one_or_none() is None:
        raise LevelNotKeptError(f"expected the checkpoint of {start.job} with level {start.level}, and it is gone")

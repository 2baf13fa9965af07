"""What a client sees of jobs: the object, lists, levels, artifacts; reads the database, writes nothing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, or_, select

from jobs import slots, trees
from jobs.clock import now, rfc3339
from jobs.errors import NotFoundError
from jobs.grids.shown import Counted, grid_object
from jobs.ids import LABEL_KEY
from jobs.job_object import job_object, progress_object
from jobs.pages import Page, PageRequest, keyset
from jobs.states import DONE, STATES
from jobs.tables import artifact, dataset, job, level, model
from jobs.waiting.positions import positions, queue_object
from ticketing.errors import Fault, RequestError


@dataclass(frozen=True)
class Viewer:
    """Who looks, from where, and how long a silent slot counts as living."""

    tenant: str
    base_url: str
    slot_seconds: float


@dataclass(frozen=True)
class JobView:
    """A job as a client sees it."""

    id: str
    created_at: float
    etag: str
    """Changes whenever anything shown does, the passing of time left aside."""
    last_seq: int
    object: Mapping[str, Any]


@dataclass(frozen=True)
class Pulse:
    """Whether a job goes on, and how far it is."""

    tenant: str
    version: int
    """Grows with every change of its record."""
    last_seq: int
    done: bool
    progress: Mapping[str, Any]
    """As the API shows it."""


@dataclass(frozen=True)
class Filters:
    """Which jobs of a list are wanted; everything given must hold."""

    states: Sequence[str] = ()
    """As they are shown, `cancelling` too."""
    search: str | None = None
    labels: Mapping[str, str] | None = None
    created_after: float | None = None
    """Seconds since 1970."""
    parent: str | None = None
    """The grid whose points are wanted; None: all jobs that are no points."""


def find_job(conn: Connection, job_id: str, *, viewer: Viewer) -> JobView:
    """Look up a job.

    Raises:
        NotFoundError: This tenant has none of that id.
    """
    row = conn.execute(_jobs(viewer.tenant).where(job.c.id == job_id)).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"expected the id of a job, got {job_id[:80]!r}, and there is none")
    return _views(conn, [row], viewer)[0]


def list_jobs(conn: Connection, *, viewer: Viewer, filters: Filters, page: PageRequest) -> Page[JobView]:
    """List a tenant's jobs, inspections left out.

    Raises:
        RequestError: A state there is none of, or a page token of another list.
    """
    query = _filtered(_jobs(viewer.tenant), filters)
    words = vars(filters) | {"list": "jobs"}
    rows = conn.execute(keyset(query, job, page, filters=words)).mappings().all()
    return Page.of(_views(conn, rows, viewer), page, filters=words)


def pulse(conn: Connection, *, job_ids: Sequence[str]) -> dict[str, Pulse]:
    """Feel the pulse of many jobs with one query, whoever's they are, for those who may watch them."""
    columns = (job.c.id, job.c.tenant, job.c.version, job.c.last_seq, job.c.state, job.c.progress)
    rows = conn.execute(select(*columns).where(job.c.id.in_(job_ids))).mappings()
    return {
        row["id"]: Pulse(row["tenant"], row["version"], row["last_seq"], row["state"] in DONE, progress_object(row))
        for row in rows
    }


def list_levels(conn: Connection, *, tenant: str, job_id: str) -> list[dict[str, Any]]:
    """List the completed levels of a job's searches, by replicate and level."""
    mine = level.c.tenant == tenant, level.c.job_id == job_id
    rows = conn.execute(select(level).where(*mine).order_by(level.c.replicate, level.c.level)).mappings()
    keys = ("replicate", "level", "kept", "total", "sparsity")
    return [row["data"] | {key: row[key] for key in keys} | {"created_at": rfc3339(row["created_at"])} for row in rows]


def list_artifacts(conn: Connection, *, tenant: str, job_id: str) -> list[dict[str, Any]]:
    """List what a job made, by name."""
    mine = artifact.c.tenant == tenant, artifact.c.job_id == job_id
    keys = ("name", "sha256", "bytes", "media_type", "level")
    rows = conn.execute(select(artifact).where(*mine).order_by(artifact.c.name)).mappings()
    return [{key: row[key] for key in keys} | {"created_at": rfc3339(row["created_at"])} for row in rows]


def _jobs(tenant: str) -> Select[Any]:
    """Select a tenant's jobs, each with what is known of its model and dataset."""
    given = (
        column
        for name, inputs in (("model", model), ("dataset", dataset))
        for column in (inputs.c.state.label(f"{name}_state"), inputs.c.sha256.label(f"{name}_sent"))
    )
    source = job.outerjoin(model, model.c.id == job.c.model_id).outerjoin(dataset, dataset.c.id == job.c.dataset_id)
    return select(job, *given).select_from(source).where(job.c.tenant == tenant, job.c.kind != "inspect")


def _filtered(query: Select[Any], filters: Filters) -> Select[Any]:
    query = query.where(job.c.parent_id.is_(None) if filters.parent is None else job.c.parent_id == filters.parent)
    if filters.states:
        query = query.where(or_(*(_is_shown_as(state) for state in filters.states)))
    if filters.search is not None:
        query = query.where(job.c.search == filters.search)
    for key, value in (filters.labels or {}).items():
        query = query.where(_is_labelled(key, value))
    if filters.created_after is not None:
        query = query.where(job.c.created_at > filters.created_after)
    return query


def _is_labelled(key: str, value: str) -> ColumnElement[bool]:
    # The key becomes part of a JSON path, where a quote would end it.
    if not re.fullmatch(LABEL_KEY, key):
        detail = f"expected a label's key (letters, digits, '_', '.', '-'; at most 63), got {key[:80]!r}"
        raise RequestError(detail, [Fault("/label", "invalid_label", detail)])
    matches: ColumnElement[bool] = job.c.labels[key].as_string() == value
    return matches


def _is_shown_as(state: str) -> ColumnElement[bool]:
    if state not in STATES:
        detail = f"expected one of {', '.join(STATES)}, got {state[:80]!r}"
        raise RequestError(detail, [Fault("/state", "unknown_state", detail, STATES)])
    # A grid whose points run is stored `queued`: it waits for them.
    cancel, pause = job.c.cancel_requested.is_not(None), job.c.pause_requested.is_not(None)
    gathering = and_(job.c.kind == "grid", job.c.state == "queued")
    begun = and_(gathering, job.c.started_at.is_not(None))
    child = job.alias("child")
    has_running = select(child.c.id).where(child.c.parent_id == job.c.id, child.c.state == "running").exists()
    stopping = and_(job.c.kind == "grid", job.c.state == "paused", has_running)
    conditions = {
        "queued": and_(job.c.state == "queued", ~and_(gathering, or_(cancel, job.c.started_at.is_not(None)))),
        "running": and_(or_(job.c.state == "running", begun), ~cancel, ~pause),
        "pausing": or_(and_(job.c.state == "running", ~cancel, pause), stopping),
        "paused": and_(job.c.state == "paused", ~stopping),
        "cancelling": and_(or_(job.c.state == "running", gathering), cancel),
    }
    return conditions.get(state, job.c.state == state)


def _views(conn: Connection, rows: Sequence[RowMapping], viewer: Viewer) -> list[JobView]:
    able = slots.able(conn, within_seconds=viewer.slot_seconds)
    moment, places = now(conn), positions(conn, rows)
    children = trees.counts(conn, [row["id"] for row in rows if row["kind"] == "grid"])
    views = [
        _view(row, queue=queue_object(row, places.get(row["id"]), able), moment=moment, base_url=viewer.base_url)
        for row in rows
    ]
    return [
        _grid_view(view, row, children[row["id"]], moment=moment) if row["kind"] == "grid" else view
        for view, row in zip(views, rows, strict=True)
    ]


def _grid_view(view: JobView, row: RowMapping, counted: Counted, *, moment: float) -> JobView:
    """See a grid as what it is together with its children."""
    made = grid_object(view.object, row, counted, moment=moment)
    by_state = ".".join(f"{state[0]}{count}" for state, count in made["children"]["by_state"].items())
    return replace(view, object=made, etag=f"{view.etag}.{by_state}")


def _view(row: RowMapping, *, queue: Mapping[str, Any] | None, moment: float, base_url: str) -> JobView:
    words = "" if queue is None else f".{queue['position']}.{queue['reason'] or ''}"
    shown_object = job_object(row, queue=queue, moment=moment, base_url=base_url)
    return JobView(row["id"], row["created_at"], f"{row['version']}{words}", row["last_seq"], shown_object)

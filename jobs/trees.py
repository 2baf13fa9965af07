"""What a grid and its children are to each other while they live; knows no recipe, no report and no worker.

A grid is stored `queued` until none of its children is open. It is claimed then, by any slot, and gathered. Every
function works inside the caller's write transaction, and takes the rows of children before that of their grid, so that
two transactions about one tree wait for each other instead of locking each other out.
"""

from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update

from jobs.clock import db_now
from jobs.events import NewEvent, append
from jobs.states import DONE
from jobs.tables import job
from ticketing.report.grid_words import point_of

GATHER = "gather"
"""The phase of a grid whose children are all done."""
MAX_WARNINGS = 20
"""Of a grid; its report tells of every child."""


def child_started(conn: Connection, parent_id: str) -> None:
    """Note that a child was claimed: from the first one on its grid is shown as running."""
    # Asked first: every later claim leaves the grid's row alone, so that no slot waits for another.
    waiting = job.c.id == parent_id, job.c.started_at.is_(None)
    if conn.execute(select(job.c.id).where(*waiting)).one_or_none() is None:
        return
    change = update(job).where(*waiting).values(started_at=db_now(), version=job.c.version + 1)
    if conn.execute(change).rowcount:
        append(conn, job_id=parent_id, events=[NewEvent("job.started", {"resumed_from": None})])


def child_moved(conn: Connection, parent_id: str) -> None:
    """Let whoever watches a grid see that a child of it was paused, resumed or given back."""
    conn.execute(update(job).where(job.c.id == parent_id).values(version=job.c.version + 1))


def child_ended(conn: Connection, row: RowMapping) -> RowMapping | None:
    """Note that a child is done: its grid is that much further, and after the last one it can be gathered.

    A grid that has ended already only counts. One that was told to cancel is over with its last child: its row is
    given, locked, for the caller to end it.

    Args:
        conn: The caller's write transaction, in which the child has its last state already.
        row: Of the child, as it was before.
    """
    closing = update(job).where(job.c.id == row["parent_id"], job.c.children_open > 0)
    change = closing.values(children_open=job.c.children_open - 1, version=job.c.version + 1).returning(job)
    parent = conn.execute(change).mappings().one_or_none()
    if parent is None or parent["state"] in DONE:
        return None
    events = _tell_failure(conn, parent, row)
    conn.execute(update(job).where(job.c.id == parent["id"]).values(progress=_progress(parent)))
    if parent["children_open"] == 0 and parent["cancel_requested"] is None:
        conn.execute(update(job).where(job.c.id == parent["id"]).values(phase=GATHER))
        events.append(NewEvent("job.phase", {"phase": GATHER}))
    append(conn, job_id=parent["id"], events=events)
    if parent["children_open"] or parent["cancel_requested"] is None:
        return None
    return conn.execute(select(job).where(job.c.id == parent["id"]).with_for_update()).mappings().one()


def open_children(conn: Connection, parent_id: str) -> list[RowMapping]:
    """List the children of a grid that are not done, in the order of its points, and lock them."""
    mine = job.c.parent_id == parent_id, job.c.state.not_in(DONE)
    query = select(job).where(*mine).order_by(job.c.created_at, job.c.id).with_for_update()
    return list(conn.execute(query).mappings().all())


def running_children(conn: Connection, parent_id: str) -> tuple[str, ...]:
    """List the children that a worker is on, for whoever wants to tell it at once."""
    mine = select(job.c.id).where(job.c.parent_id == parent_id, job.c.state == "running")
    return tuple(conn.execute(mine.order_by(job.c.id)).scalars())


def counts(conn: Connection, parent_ids: list[str]) -> dict[str, dict[str, dict[str, float]]]:
    """Count the children of grids by stored state, with the seconds they ran, as {grid: {state: {jobs, seconds}}}."""
    if not parent_ids:
        return {}
    columns = job.c.parent_id, job.c.state, func.count().label("jobs"), func.sum(job.c.running_seconds).label("seconds")
    query = select(*columns).where(job.c.parent_id.in_(parent_ids)).group_by(job.c.parent_id, job.c.state)
    found: dict[str, dict[str, dict[str, float]]] = {parent_id: {} for parent_id in parent_ids}
    for row in conn.execute(query):
        found[row.parent_id][row.state] = {"jobs": int(row.jobs), "seconds": float(row.seconds)}
    return found


def _tell_failure(conn: Connection, parent: RowMapping, row: RowMapping) -> list[NewEvent]:
    columns = job.c.state, job.c.error
    child = conn.execute(select(*columns).where(job.c.id == row["id"])).mappings().one()
    if child["state"] != "failed" or len(parent["warnings"]) >= MAX_WARNINGS:
        return []
    error = child["error"] or {}
    detail = f"{point_of(row['point'] or {})} failed as {error.get('code')}: {str(error.get('detail'))[:300]}"
    warning = {"code": "child_failed", "detail": detail, "job": row["id"]}
    conn.execute(update(job).where(job.c.id == parent["id"]).values(warnings=[*parent["warnings"], warning]))
    return [NewEvent("job.warning", warning, severity="warning")]


def _progress(parent: RowMapping) -> dict[str, Any]:
    total = (parent["grid"] or {}).get("points") or 1
    return {**parent["progress"], "fraction": max(0.0, 1 - parent["children_open"] / total)}

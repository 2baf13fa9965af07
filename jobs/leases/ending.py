"""The one road to an end: what follows when a job has succeeded, failed or was cancelled; decides neither."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, delete, func, select

from jobs import counters, trees
from jobs.clock import now
from jobs.events import NewEvent, append
from jobs.leases.moving import move
from jobs.leases.refusing import refuse_inspected
from jobs.tables import artifact, checkpoint, level

Retain = Callable[[str, str], float | None]
"""For how many seconds a job of a kind (`search`, `inspect`, `grid`) that ended in a state is kept; None: for good."""


def for_good(kind: str, state: str) -> None:
    """Keep every job until somebody deletes it."""


def end(
    conn: Connection,
    row: RowMapping,
    *,
    state: Literal["succeeded", "failed", "cancelled"],
    retain: Retain = for_good,
    error: Mapping[str, Any] | None = None,
    told: Sequence[NewEvent] = (),
    data: Mapping[str, Any] | None = None,
    **values: Any,
) -> str:
    """Move a job, locked by the caller, to its end and write its last event.

    What it made goes when a cancel asked for that; of the checkpoints of a job that succeeded the last one stays, for
    a fork starts from it. An inspection that does not succeed refuses what it looked at; a point is told to its grid.

    Args:
        conn: The caller's write transaction.
        row: The job as it stands, not at an end.
        state: Which end.
        retain: How long it is kept from now on.
        error: `code` and `detail`, of one that failed.
        told: Events before the last.
        data: Of the last event, where it tells more than the error.
        values: Further columns.
    """
    # A point is kept for as long as its grid.
    seconds = retain(row["kind"], state) if row["parent_id"] is None else None
    moment = now(conn)
    move(
        conn,
        row,
        state=state,
        ended_as=state if error is None else str(error["code"]),
        **{
            "finished_at": moment,
            "expires_at": None if seconds is None else moment + seconds,
            "error": None if error is None else dict(error),
            "reason": None,
            "pause_requested": None,
            "pause_expires_at": None,
        }
        | values,
    )
    _drop(conn, row, state)
    if row["kind"] != "inspect":
        counters.add(conn, tenant=row["tenant"], name=f"{counters.JOBS_ENDED}{state}")
    shown = dict(data or {}) if error is None else {"error": dict(error)}
    last = NewEvent(f"job.{state}", shown, severity="info" if error is None else "error")
    append(conn, job_id=row["id"], events=[*told, last])
    if row["kind"] == "inspect" and state != "succeeded":
        found = error or {"code": state, "detail": "the inspection was cancelled"}
        for waiting, problem in refuse_inspected(conn, row, found):
            end(conn, waiting, state="failed", retain=retain, error=problem)
    if row["parent_id"] is not None:
        grid = trees.child_ended(conn, row)
        if grid is not None:
            end(conn, grid, state="cancelled", retain=retain)
    return state


def _drop(conn: Connection, row: RowMapping, state: str) -> None:
    if state == "cancelled" and row["keep"] == "none":
        for table in (level, artifact, checkpoint):
            conn.execute(delete(table).where(table.c.job_id == row["id"]))
    if state == "succeeded":
        mine = checkpoint.c.job_id == row["id"]
        newest = select(func.max(checkpoint.c.number)).where(mine).scalar_subquery()
        conn.execute(delete(checkpoint).where(mine, checkpoint.c.number < newest))

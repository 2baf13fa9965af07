"""What follows when a model or a dataset is refused: whoever waits for it fails, and no attempt is counted."""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, select, update

from jobs import tables
from jobs.clock import db_now
from jobs.events import NewEvent, append
from jobs.leases.lease import elapsed
from jobs.tables import job

Refused = Literal["model", "dataset"]


def refuse_inspected(conn: Connection, inspection: RowMapping, error: Mapping[str, Any]) -> None:
    """Refuse the model or dataset that an inspection was about."""
    if inspection["inspects_model"] is not None:
        refuse(conn, "model", inspection["inspects_model"], error)
    if inspection["inspects_dataset"] is not None:
        refuse(conn, "dataset", inspection["inspects_dataset"], error)


def refuse(conn: Connection, what: Refused, wanted: str, error: Mapping[str, Any]) -> None:
    """Refuse a model or dataset that was inspecting, and fail every queued job that needs it.

    Args:
        conn: The caller's write transaction.
        what: Which of the two.
        wanted: Its id.
        error: `code` and `detail`, as they are shown.
    """
    table = tables.model if what == "model" else tables.dataset
    refused = conn.execute(
        update(table)
        .where(table.c.id == wanted, table.c.state == "inspecting")
        .values(state="refused", error=dict(error), version=table.c.version + 1)
    )
    if refused.rowcount == 0:
        return
    column = job.c.model_id if what == "model" else job.c.dataset_id
    waiting = select(job).where(column == wanted, job.c.state == "queued").with_for_update()
    problem = {"code": f"{what}_refused", "detail": f"{what} {wanted} was refused: {error.get('detail')}"}
    for row in conn.execute(waiting).mappings().all():
        _fail_waiting(conn, row, problem)
    if what == "dataset":
        shaped = tables.model.c.shaped_by == wanted, tables.model.c.state == "inspecting"
        for model_id in conn.execute(select(tables.model.c.id).where(*shaped)).scalars().all():
            refuse(conn, "model", model_id, problem)


def _fail_waiting(conn: Connection, row: RowMapping, problem: Mapping[str, Any]) -> None:
    conn.execute(
        update(job)
        .where(job.c.id == row["id"], job.c.state == "queued")
        .values(
            state="failed",
            error=dict(problem),
            reason=None,
            finished_at=db_now(),
            queued_seconds=job.c.queued_seconds + elapsed(),
            state_since=db_now(),
        )
    )
    append(conn, job_id=row["id"], events=[NewEvent("job.failed", {"error": dict(problem)}, severity="error")])

"""What a refused model or dataset takes along; says who waited for it and fails nobody."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, select, update

from jobs import tables
from jobs.tables import job

Refused = Literal["model", "dataset"]
Problem = dict[str, Any]


def refuse_inspected(
    conn: Connection, inspection: RowMapping, error: Mapping[str, Any]
) -> Iterator[tuple[RowMapping, Problem]]:
    """Refuse the model or dataset that an inspection was about, and give who waits for it in vain, with the reason."""
    if inspection["inspects_model"] is not None:
        yield from refuse(conn, "model", inspection["inspects_model"], error)
    if inspection["inspects_dataset"] is not None:
        yield from refuse(conn, "dataset", inspection["inspects_dataset"], error)


def refuse(
    conn: Connection, what: Refused, wanted: str, error: Mapping[str, Any]
) -> Iterator[tuple[RowMapping, Problem]]:
    """Refuse a model or dataset that was inspecting, and give every waiting job that needs it, locked, with its error.

    The caller walks to the end, and fails each job before it takes the next.

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
    problem = {"code": f"{what}_refused", "detail": f"{what} {wanted} was refused: {error.get('detail')}"}
    waits = column == wanted, job.c.kind != "grid", job.c.state.in_(("queued", "paused"))
    # Searches first: an inspection that fails refuses its model, which would fail them for the lesser reason.
    for job_id in conn.execute(select(job.c.id).where(*waits).order_by(job.c.kind.desc(), job.c.id)).scalars().all():
        row = conn.execute(select(job).where(job.c.id == job_id, *waits).with_for_update()).mappings().one_or_none()
        if row is not None:
            yield row, problem
    if what == "dataset":
        shaped = tables.model.c.shaped_by == wanted, tables.model.c.state == "inspecting"
        for model_id in conn.execute(select(tables.model.c.id).where(*shaped)).scalars().all():
            yield from refuse(conn, "model", model_id, problem)

"""How an inspection ends: what it looked at becomes ready or is refused, and whoever waited for it can go on."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from jobs import grants, slots, tables
from jobs.blobs import Stored
from jobs.database import Database
from jobs.inputs import Dataset, find_dataset
from jobs.leases.ending import Retain, end, for_good
from jobs.leases.lease import Lease, fenced, update_held
from jobs.leases.refusing import refuse
from jobs.retrying import retried
from jobs.tables import job
from ticketing.architectures import arguments_for, inventory
from ticketing.errors import ModelError


@retried
def finish_inspection(
    db: Database,
    lease: Lease,
    *,
    ready: Mapping[str, Any] | None = None,
    refused: Mapping[str, Any] | None = None,
    canonical: Stored | None = None,
    retain: Retain = for_good,
) -> tuple[str, ...]:
    """End an inspection, and give the kinds of slot that may find new work because of it.

    Args:
        db: The database.
        lease: Of the inspection.
        ready: What the run's `inspected` event told: `inventory` or `summary`, and `warnings`.
        refused: `code` and `detail`; give either this or `ready`.
        canonical: The dataset as runs will read it, a blob already.
        retain: How long the record of the inspection, and a job that fails because of it, is kept.

    Raises:
        LeaseLostError: The inspection is somebody else's by now; nothing was written.
    """
    if (ready is None) == (refused is None):
        raise ValueError("expected either ready or refused")
    with fenced(db, lease) as conn:
        row = update_held(conn, lease)
        if refused is not None:
            end(conn, row, state="failed", retain=retain, error=refused)
        else:
            assert ready is not None
            end(conn, row, state="succeeded", retain=retain)
            _accept(conn, row, ready, canonical, retain)
        return _woken(conn, row)


def _accept(
    conn: Connection, row: RowMapping, found: Mapping[str, Any], canonical: Stored | None, retain: Retain
) -> None:
    warnings = [dict(warning) for warning in found.get("warnings", ())]
    if row["inspects_model"] is not None:
        values = {"inventory": dict(found["inventory"]), "warnings": warnings}
        _make_ready(conn, tables.model, row["inspects_model"], values)
        return
    if canonical is None:
        raise ValueError("expected the canonical dataset together with its summary, got none")
    grants.record(conn, tenant=row["tenant"], stored=canonical)
    values = {"summary": dict(found["summary"]), "warnings": warnings, "canonical_sha256": canonical.sha256}
    _make_ready(conn, tables.dataset, row["inspects_dataset"], values)
    _shape_models(conn, find_dataset(conn, tenant=row["tenant"], dataset_id=row["inspects_dataset"]), retain)


def _make_ready(conn: Connection, table: Any, wanted: str, values: Mapping[str, Any]) -> None:
    conn.execute(
        update(table)
        .where(table.c.id == wanted, table.c.state == "inspecting")
        .values(state="ready", version=table.c.version + 1, **values)
    )


def _shape_models(conn: Connection, data: Dataset, retain: Retain) -> None:
    """Fill the arguments of the models that waited to know what their data looks like."""
    table = tables.model
    waiting = select(table).where(table.c.shaped_by == data.id, table.c.state == "inspecting").with_for_update()
    for net in conn.execute(waiting).mappings().all():
        try:
            filled = arguments_for(
                net["architecture"], net["arguments"], data_shape=data.shape, classes=data.classes, task=data.task
            )
            made = inventory(net["architecture"], filled).as_json()
        except ModelError as error:
            for row, problem in refuse(conn, "model", net["id"], {"code": error.code, "detail": str(error)}):
                end(conn, row, state="failed", retain=retain, error=problem)
            continue
        conn.execute(update(table).where(table.c.id == net["id"]).values(arguments=filled))
        if net["sha256"] is None:
            _make_ready(conn, table, net["id"], {"inventory": made})


def _woken(conn: Connection, inspection: RowMapping) -> tuple[str, ...]:
    """List the kinds of slot that jobs of this tenant wait for."""
    waiting = select(job.c.kind, job.c.device).where(job.c.tenant == inspection["tenant"], job.c.state == "queued")
    kinds = {
        suitable
        for row in conn.execute(waiting.distinct())
        for suitable in slots.worth_a_hint(conn, kind=row.kind, device=row.device)
    }
    return tuple(sorted(kinds))

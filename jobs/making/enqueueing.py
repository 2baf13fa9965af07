"""A job enters the table: its row and its `queued` event, in one transaction; knows no request and no broker."""

from typing import Any, Literal

from sqlalchemy import Connection

from jobs import tables
from jobs.clock import now
from jobs.events import NewEvent, append
from jobs.ids import new_id


def enqueue(conn: Connection, *, tenant: str, kind: Literal["search", "inspect", "grid"], **values: Any) -> str:
    """Write a queued job inside the caller's transaction and give its id; `values` are columns of its row."""
    job_id, moment = new_id("job"), now(conn)
    row = {
        "id": job_id,
        "tenant": tenant,
        "kind": kind,
        "labels": {},
        "priority": 0,
        "device": "any",
        "gates": {},
        "state": "queued",
        "attempt": 0,
        "strikes": 0,
        "not_before": moment,
        "progress": {},
        "warnings": [],
        "queued_seconds": 0.0,
        "running_seconds": 0.0,
        "state_since": moment,
        "created_at": moment,
        "last_seq": 0,
        "version": 0,
    }
    conn.execute(tables.job.insert().values(**(row | values)))
    append(conn, job_id=job_id, events=[NewEvent("job.queued")])
    return job_id

"""What the hub reads: the state of many jobs, models and datasets in one look; knows no reader."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, Table, select

from jobs import tables
from jobs.database import Database
from jobs.events import page
from jobs.records import pulse
from service.hub import Update

MAX_EVENTS = 200
"""Handed on from one look; a job that has more is read from its log by whoever watches it."""


def look(database: Database, seqs: Mapping[str, int | None]) -> Mapping[str, Update]:
    """Read the state of everything watched, whoever's it is: who may watch what was settled before.

    One query for all jobs, one for what is new in each.

    Args:
        database: Read from, once.
        seqs: Last event handed out, by id; None for what was not looked at before.
    """
    found: dict[str, Update] = {}
    with database.read() as conn:
        for prefix, table in (("mdl_", tables.model), ("ds_", tables.dataset)):
            found |= _inputs(conn, table, [thing for thing in seqs if thing.startswith(prefix)])
        found |= _jobs(conn, {thing: seq for thing, seq in seqs.items() if thing.startswith("job_")})
    return found


def _inputs(conn: Connection, table: Table, ids: list[str]) -> dict[str, Update]:
    if not ids:
        return {}
    rows = conn.execute(select(table.c.id, table.c.version, table.c.state).where(table.c.id.in_(ids)))
    return {row.id: Update(row.version, done=row.state != "inspecting") for row in rows}


def _jobs(conn: Connection, seqs: Mapping[str, int | None]) -> dict[str, Update]:
    return dict(_job_updates(conn, seqs)) if seqs else {}


def _job_updates(conn: Connection, seqs: Mapping[str, int | None]) -> Iterator[tuple[str, Update]]:
    for job_id, beat in pulse(conn, job_ids=list(seqs)).items():
        known = seqs[job_id]
        fresh = known is not None and known < beat.last_seq
        events = page(conn, tenant=beat.tenant, job_id=job_id, after=known or 0, limit=MAX_EVENTS) if fresh else []
        yield job_id, Update(beat.version, beat.done, beat.last_seq, tuple(events), beat.progress)

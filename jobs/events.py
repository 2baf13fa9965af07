"""The durable log of a job: numbered from 1 without gaps, each fact told once; knows no stream and no socket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from jobs.clock import now, rfc3339
from jobs.ids import new_id
from jobs.tables import event, job

DONE_TYPES = ("job.succeeded", "job.failed", "job.cancelled")
"""The last event of every job is one of these."""

_FACTS: Mapping[str, tuple[str, ...]] = {
    "job.mask_drawn": ("replicate", "level"),
    "job.level_completed": ("replicate", "level"),
    "job.ticket_found": (),
    "job.checkpoint_saved": ("number",),
}


@dataclass(frozen=True)
class NewEvent:
    """An event to be written: `type` is `job.<word>` or `artifact.ready`."""

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    severity: str = "info"

    @property
    def fact(self) -> str | None:
        """The name of the fact it tells, or None when it may be told again.

        An attempt that had to fall back one checkpoint tells again what is known already: the name finds it out.
        """
        labels = _FACTS.get(self.type)
        return None if labels is None else "/".join([self.type, *(str(self.data[label]) for label in labels)])


def append(conn: Connection, *, job_id: str, events: Sequence[NewEvent]) -> int:
    """Write events into a job's log, inside the caller's write transaction, and give the job's last seq.

    Facts the log has already are left out. This alone makes seqs: they are taken from the job's row in the
    transaction that writes the events, so that there is neither a gap nor a double.
    """
    fresh = _unknown(conn, job_id, events)
    taken = conn.execute(
        update(job)
        .where(job.c.id == job_id)
        .values(last_seq=job.c.last_seq + len(fresh), version=job.c.version + 1)
        .returning(job.c.last_seq, job.c.attempt, job.c.tenant)
    ).one()
    moment = now(conn)
    rows = [
        {
            "job_id": job_id,
            "seq": seq,
            "id": new_id("evt"),
            "tenant": taken.tenant,
            "attempt": taken.attempt,
            "type": new.type,
            "severity": new.severity,
            "created_at": moment,
            "data": dict(new.data),
            "fact": new.fact,
        }
        for seq, new in enumerate(fresh, start=taken.last_seq - len(fresh) + 1)
    ]
    if rows:
        conn.execute(event.insert(), rows)
    return int(taken.last_seq)


def _unknown(conn: Connection, job_id: str, events: Sequence[NewEvent]) -> list[NewEvent]:
    told = {new.fact for new in events} - {None}
    known: set[str | None] = set()
    if told:
        rows = conn.execute(
            select(event.c.fact).where(event.c.job_id == job_id, event.c.fact.in_(sorted(map(str, told))))
        )
        known.update(rows.scalars())
    fresh: list[NewEvent] = []
    for new in events:
        if new.fact is None or new.fact not in known:
            fresh.append(new)
            known.add(new.fact)
    return fresh


def page(conn: Connection, *, tenant: str, job_id: str, after: int = 0, limit: int = 200) -> list[dict[str, Any]]:
    """Read up to `limit` events with a seq greater than `after`, in order, as the API shows them."""
    rows = conn.execute(
        select(event)
        .where(event.c.tenant == tenant, event.c.job_id == job_id, event.c.seq > after)
        .order_by(event.c.seq)
        .limit(limit)
    )
    return [_shown(row) for row in rows.mappings()]


def _shown(row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"],
        "seq": row["seq"],
        "job": row["job_id"],
        "attempt": row["attempt"],
        "type": row["type"],
        "severity": row["severity"],
        "created_at": rfc3339(row["created_at"]),
        "data": row["data"],
    }

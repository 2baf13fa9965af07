"""Which slots there are: each says now and then that it lives; knows nothing of processes or Celery."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, update

from jobs.clock import db_now, now, rfc3339
from jobs.tables import slot

EVERYONE = "*"
FORGET_SECONDS = 3600
"""A slot that has been silent for this long is no longer listed."""
_HOLDS_UPLOADS = ("landlock", "container")


@dataclass(frozen=True)
class SlotIdentity:
    """One worker process with one device."""

    id: str
    """Unlike that of any other process, e.g. `host:1234:cpu-0:8f3a`."""
    kinds: tuple[str, ...]
    """Of `cpu`, `gpu`, `inspect`: what it may claim."""
    sandbox: str
    """The level it holds its children at."""

    @property
    def accepts_uploads(self) -> bool:
        """Below `landlock` it runs zoo models and builtin data alone."""
        return self.sandbox in _HOLDS_UPLOADS


def kinds_for(kind: str, device: str) -> tuple[str, ...]:
    """Say which kinds of slot may claim a job of a kind (`search`, `inspect`) for a device (`any`, `cpu`, `gpu`)."""
    if kind == "inspect":
        return ("inspect",)
    return ("cpu", "gpu") if device == "any" else (device,)


def announce(conn: Connection, identity: SlotIdentity, *, about: Mapping[str, Any]) -> None:
    """Register a slot that has started; `about` is shown to whoever lists workers (device, versions, host)."""
    moment = now(conn)
    conn.execute(delete(slot).where(slot.c.id == identity.id))
    conn.execute(
        slot.insert().values(
            id=identity.id,
            tenant=EVERYONE,
            kind=identity.kinds[0],
            sandbox=identity.sandbox,
            about=dict(about),
            started_at=moment,
            seen_at=moment,
        )
    )


def seen(conn: Connection, slot_id: str, *, job_id: str | None = None) -> None:
    """Note that a slot lives, and which job it is on."""
    conn.execute(update(slot).where(slot.c.id == slot_id).values(seen_at=db_now(), job_id=job_id))


def withdraw(conn: Connection, slot_id: str) -> None:
    """Take a slot that ends from the list."""
    conn.execute(delete(slot).where(slot.c.id == slot_id))


def forget_silent(conn: Connection) -> None:
    """Take slots from the list that ended without a word long ago."""
    conn.execute(delete(slot).where(slot.c.seen_at < db_now() - FORGET_SECONDS))


def live(conn: Connection, *, within_seconds: float) -> dict[str, int]:
    """Count the slots of each kind that were seen lately; a kind without any is left out."""
    counts: dict[str, int] = {}
    for kind in conn.execute(select(slot.c.kind).where(slot.c.seen_at >= db_now() - within_seconds)).scalars():
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def worth_a_hint(conn: Connection, *, kind: str, device: str) -> tuple[str, ...]:
    """List the kinds of slot that may claim a job and of which there is one; a hint for the others is never read."""
    there = live(conn, within_seconds=FORGET_SECONDS)
    return tuple(suitable for suitable in kinds_for(kind, device) if suitable in there)


def listed(conn: Connection, *, within_seconds: float) -> list[dict[str, Any]]:
    """List the slots as the API shows them, the oldest first."""
    moment = now(conn)
    rows = conn.execute(select(slot).order_by(slot.c.started_at, slot.c.id)).mappings()
    return [
        {
            "id": row["id"],
            "kind": row["kind"],
            "live": row["seen_at"] >= moment - within_seconds,
            "sandbox": row["sandbox"],
            "about": row["about"],
            "job": row["job_id"],
            "started_at": rfc3339(row["started_at"]),
            "seen_at": rfc3339(row["seen_at"]),
        }
        for row in rows
    ]

"""Which slots there are and what each can run: each says now and then that it lives; knows no process and no Celery."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, or_, select, update

from jobs.clock import db_now, now, rfc3339
from jobs.tables import slot
from ticketing.folder import CHECKPOINT_VERSION
from ticketing.recipe import RECIPE_VERSION

EVERYONE = "*"
FORGET_SECONDS = 3600
"""A slot that has been silent for this long is no longer listed."""
_HOLDS_UPLOADS = ("landlock", "container")


@dataclass(frozen=True)
class Capabilities:
    """What a slot has to run jobs with."""

    device: str = "cpu"
    """`cpu`, or what the driver calls the GPU."""
    memory_bytes: int | None = None
    """Of the device; None where that cannot be told."""
    torch: str | None = None
    """The version that is installed."""
    extras: tuple[str, ...] = ()
    """Optional parts that are installed, e.g. `s3`."""
    recipe_version: int = RECIPE_VERSION
    """The newest recipes it can read."""
    checkpoint_version: int = CHECKPOINT_VERSION
    """The newest checkpoints it can go on from."""
    uploads: bool | None = None
    """Whether it runs uploaded models and data; None: from level `landlock` on."""


@dataclass(frozen=True)
class SlotIdentity:
    """One worker process with one device."""

    id: str
    """Unlike that of any other process, e.g. `host:1234:cpu-0:8f3a`."""
    kinds: tuple[str, ...]
    """Of `cpu`, `gpu`, `inspect`: what it may claim."""
    sandbox: str
    """The level it holds its children at."""
    host: str = ""
    capabilities: Capabilities = Capabilities()

    @property
    def accepts_uploads(self) -> bool:
        """Whether it opens files that somebody sent; else it runs zoo models and builtin data alone."""
        said = self.capabilities.uploads
        return self.sandbox in _HOLDS_UPLOADS if said is None else said


@dataclass(frozen=True)
class Able:
    """What a slot that lives can run, read back from the table."""

    kind: str
    recipe_version: int
    checkpoint_version: int
    uploads: bool


def kinds_for(kind: str, device: str) -> tuple[str, ...]:
    """Say which kinds of slot may claim a job of a kind for a device (`any`, `cpu`, `gpu`).

    Args:
        kind: `search`; `inspect`; `grid`, whose gathering needs no device.
        device: What the job asked for.
    """
    if kind == "inspect":
        return ("inspect",)
    if kind == "grid":
        return ("cpu", "gpu", "inspect")
    return ("cpu", "gpu") if device == "any" else (device,)


def announce(conn: Connection, identity: SlotIdentity, *, about: Mapping[str, Any], blocked: str | None = None) -> None:
    """Register a slot that has started.

    Args:
        conn: A write transaction.
        identity: What it is and what it can run.
        about: What else is shown to whoever lists workers, e.g. `threads`.
        blocked: Why it takes no jobs at the moment, e.g. `disk_full`.
    """
    moment, capabilities = now(conn), identity.capabilities
    withdraw(conn, identity.id)
    conn.execute(
        slot.insert().values(
            id=identity.id,
            tenant=EVERYONE,
            kind=identity.kinds[0],
            sandbox=identity.sandbox,
            host=identity.host,
            recipe_version=capabilities.recipe_version,
            checkpoint_version=capabilities.checkpoint_version,
            uploads=int(identity.accepts_uploads),
            about=dict(about) | asdict(capabilities) | {"uploads": identity.accepts_uploads},
            blocked=blocked,
            started_at=moment,
            seen_at=moment,
        )
    )


def seen(conn: Connection, slot_id: str, *, job_id: str | None = None) -> bool:
    """Note that a slot lives and which job it is on, and bring back whether it is asked to drain."""
    change = update(slot).where(slot.c.id == slot_id).values(seen_at=db_now(), job_id=job_id)
    return conn.execute(change.returning(slot.c.drain_requested)).scalar_one_or_none() is not None


def block(conn: Connection, slot_id: str, *, reason: str | None) -> None:
    """Say why a slot takes no jobs at the moment, e.g. `disk_full`; None: it takes them again."""
    conn.execute(update(slot).where(slot.c.id == slot_id).values(blocked=reason))


def request_drain(conn: Connection, *, slot_id: str | None = None, host: str | None = None) -> tuple[str, ...]:
    """Ask one slot, those of a host, or without either all of them to finish nothing new; give whom it reached.

    A slot that was asked stays so until it ends.
    """
    change = update(slot).values(drain_requested=func.coalesce(slot.c.drain_requested, db_now()))
    if slot_id is not None:
        change = change.where(slot.c.id == slot_id)
    if host is not None:
        change = change.where(slot.c.host == host)
    return tuple(sorted(conn.execute(change.returning(slot.c.id)).scalars()))


def may_claim(conn: Connection, slot_id: str) -> bool:
    """Say whether a slot is neither draining nor blocked; one that has announced nothing may."""
    mine = slot.c.id == slot_id, or_(slot.c.drain_requested.is_not(None), slot.c.blocked.is_not(None))
    return conn.execute(select(slot.c.id).where(*mine)).one_or_none() is None


def withdraw(conn: Connection, slot_id: str) -> None:
    """Take a slot that ends from the list."""
    conn.execute(delete(slot).where(slot.c.id == slot_id))


def forget_silent(conn: Connection) -> None:
    """Take slots from the list that ended without a word long ago."""
    conn.execute(delete(slot).where(slot.c.seen_at < db_now() - FORGET_SECONDS))


def live(conn: Connection, *, within_seconds: float) -> dict[str, int]:
    """Count the slots of each kind that were seen lately and take jobs; a kind without any is left out."""
    there = slot.c.seen_at >= db_now() - within_seconds, slot.c.drain_requested.is_(None), slot.c.blocked.is_(None)
    counts = select(slot.c.kind, func.count()).where(*there).group_by(slot.c.kind)
    return dict(conn.execute(counts).all())


def able(conn: Connection, *, within_seconds: float) -> frozenset[Able]:
    """Tell what the slots that were seen lately can run, equal ones once; one that drains takes nothing again."""
    there = slot.c.seen_at >= db_now() - within_seconds, slot.c.drain_requested.is_(None)
    columns = (slot.c.kind, slot.c.recipe_version, slot.c.checkpoint_version, slot.c.uploads)
    rows = conn.execute(select(*columns).where(*there).distinct())
    return frozenset(Able(kind, recipe, checkpoint, bool(uploads)) for kind, recipe, checkpoint, uploads in rows)


def worth_a_hint(conn: Connection, *, kind: str, device: str) -> tuple[str, ...]:
    """List the kinds of slot that may claim a job and of which there is one; a hint for the others is never read."""
    there = live(conn, within_seconds=FORGET_SECONDS)
    return tuple(suitable for suitable in kinds_for(kind, device) if suitable in there)


def listed(conn: Connection, *, within_seconds: float) -> list[dict[str, Any]]:
    """List the slots, the oldest first."""
    moment = now(conn)
    rows = conn.execute(select(slot).order_by(slot.c.started_at, slot.c.id)).mappings()
    return [
        {
            "id": row["id"],
            "kind": row["kind"],
            "host": row["host"],
            "live": row["seen_at"] >= moment - within_seconds,
            "draining": row["drain_requested"] is not None,
            "blocked": row["blocked"],
            "sandbox": row["sandbox"],
            "about": row["about"],
            "job": row["job_id"],
            "started_at": rfc3339(row["started_at"]),
            "seen_at": rfc3339(row["seen_at"]),
        }
        for row in rows
    ]

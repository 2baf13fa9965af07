"""Now and then, in every process: settle what is over by the clock, say where hints are missing, forget what is old."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs import idempotency, marks, slots
from jobs.database import Database
from jobs.keeping import expiry
from jobs.leases import overdue
from jobs.settings import Settings
from jobs.states import DONE
from jobs.waiting.hinting import missing_hints

LAST_SWEEP, LAST_TIDY = "last_sweep_ms", "last_tidy_ms"
TIDY_SECONDS = 3600.0
"""Between two looks for what is rarely found and takes longer to look for."""


@dataclass(frozen=True)
class Swept:
    """What a sweep did, by id of the jobs; `hints` says how many each kind's queue should hold now."""

    requeued: tuple[str, ...]
    failed: tuple[str, ...]
    cancelled: tuple[str, ...]
    hints: Mapping[str, int]
    paused: tuple[str, ...] = ()
    """Asked to pause, and their workers were lost on the way."""
    deleted: tuple[str, ...] = ()
    """Their time was over."""
    renewed: int = 0
    """Leases that ran out while nobody could look, and were given one more term."""


def sweep(db: Database, *, settings: Settings) -> Swept:
    """Settle what nobody else can; any number of sweeps at once do each thing once.

    This alone ends an expired lease. After a time in which no sweep could be made the database was away, and no worker
    is to blame: the leases that ran out meanwhile are given one more term, without a strike. Hints are counted per
    kind of slot and never per job: as many as there are claimable jobs, but not more than twice the slots that live.
    """
    retain, renewed, settled = settings.retain_seconds, 0, overdue.Settled()
    if _was_away(db, settings):
        renewed = overdue.renew_leases(db, ttl_seconds=settings.lease_ttl_seconds)
    else:
        settled |= overdue.end_leases(db, retry_delay_seconds=settings.retry_delay_seconds, retain=retain)
    patience = settings.lease_ttl_seconds + settings.grace_seconds
    settled |= overdue.end_runs(db, patience_seconds=patience, retain=retain)
    settled |= overdue.end_waits(db, retain=retain)
    settled |= overdue.end_pauses(db, retain=retain)
    deleted = expiry.delete_expired(db)
    _forget(db, settings)
    with db.read() as conn:
        hints = missing_hints(conn, live=slots.live(conn, within_seconds=settings.lease_ttl_seconds))
    db.fold()
    by_state = {state: tuple(i for i, s in settled.items() if s == state) for state in ("queued", "paused", *DONE)}
    return Swept(
        requeued=by_state["queued"],
        failed=by_state["failed"],
        cancelled=by_state["cancelled"],
        hints=hints,
        paused=by_state["paused"],
        deleted=deleted,
        renewed=renewed,
    )


def _was_away(db: Database, settings: Settings) -> bool:
    """Note that a sweep is made, and say whether none was for so long that leases may have run out unseen."""
    with db.write() as conn:
        ago = marks.set_now(conn, LAST_SWEEP)
    return ago is not None and ago > max(settings.lease_ttl_seconds / 2, 3 * settings.sweep_seconds)


def _forget(db: Database, settings: Settings) -> None:
    with db.write() as conn:
        slots.forget_silent(conn)
        idempotency.forget_old(conn)
        ago = marks.age_seconds(conn, LAST_TIDY)
        if ago is None or ago > TIDY_SECONDS:
            marks.set_now(conn, LAST_TIDY)
            if settings.retain_upload_seconds is not None:
                expiry.forget_uploads(conn, older_than_seconds=settings.retain_upload_seconds)

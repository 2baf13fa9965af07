"""Asks slots to give their jobs back and take nothing new, and waits until they have; ends no process."""

import time
from collections.abc import Callable
from contextlib import closing

from sqlalchemy import select

from jobs import slots
from jobs.database import Database
from jobs.settings import Settings
from jobs.tables import job

LOOK_SECONDS = 0.5


def drain(
    settings: Settings,
    *,
    slot_id: str | None = None,
    host: str | None = None,
    wait_seconds: float = 0.0,
    say: Callable[[str], None] = print,
) -> bool:
    """Drain one slot or those of a host, and say whether none of them is on a job any more.

    A running job is saved and goes back to the queue without a strike. The slots stay up and idle until their process
    ends; those that are started afterwards take jobs as usual.

    Args:
        settings: Name the database.
        slot_id: The one slot; else all of `host`.
        host: As the list of workers shows it.
        wait_seconds: How long to wait for them; each hears of it with its next beat.
        say: Gets the lines an operator reads.
    """
    with closing(Database.open(settings.database)) as database:
        with database.write() as conn:
            asked = slots.request_drain(conn, slot_id=slot_id, host=host)
        if not asked:
            say(f"no such slots: {slot_id or host}")
            return True
        say(f"draining: {', '.join(asked)}")
        deadline = time.monotonic() + wait_seconds
        while working := _working(database, asked):
            if time.monotonic() >= deadline:
                say(f"still on a job: {', '.join(working)}")
                return False
            time.sleep(LOOK_SECONDS)
        say("drained: none of them is on a job")
        return True


def _working(database: Database, asked: tuple[str, ...]) -> list[str]:
    """Name the slots that hold a job, which the jobs tell sooner than the list of slots."""
    owners = select(job.c.owner).where(job.c.state == "running", job.c.owner.in_(asked)).distinct()
    with database.read() as conn:
        return sorted(owner for owner in conn.execute(owners).scalars() if owner is not None)

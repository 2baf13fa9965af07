"""What an operator does beside running the service: slots alone, migrations, a look at it, jobs put back."""

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import func, select

from jobs import leases, logs
from jobs import slots as slot_table
from jobs.database import Database
from jobs.retrying import AWAY
from jobs.settings import Settings
from jobs.tables import job
from service.operating.evicting import refuse_evicting
from service.operating.keeper import Keeper
from service.operating.listening import RefusedError
from service.operating.probing import probe_sandbox
from service.operating.signals import ended_by_signals
from service.operating.slots import cores_here, environment, gpus_here, kept_slot, plan_slots

_log = logging.getLogger(__name__)


def work(settings: Settings, *, slots: str) -> None:
    """Keep slots running until SIGINT or SIGTERM.

    Raises:
        RefusedError: No broker is set or it evicts, or jobs would be held too weakly.
        SchemaError: The database was made by an older or a newer program.
    """
    if settings.redis_url is None:
        raise RefusedError("expected the address of a broker in WINNOW_REDIS_URL, got none")
    os.umask(0o077)
    settings.paths.make()
    logs.configure(settings.log_format, process="worker")
    refuse_evicting(settings.redis_url)
    _refuse_another_schema(settings)
    probe_sandbox(settings)
    plans = plan_slots(slots, cores=cores_here(), gpus=gpus_here())
    env = environment(settings, settings.redis_url)
    kept = [kept_slot(plan, env=env, logs=None) for plan in plans]
    with ended_by_signals(), Keeper(kept, grace_seconds=settings.grace_seconds + 5):
        threading.Event().wait()


def _refuse_another_schema(settings: Settings) -> None:
    """See that the database is one this program knows; one that is away is waited for by the slots themselves.

    Raises:
        SchemaError: It is older or newer.
    """
    database = Database.open(settings.database)
    try:
        database.require_newest()
    except AWAY as error:
        _log.warning("the database does not answer yet (%s)", type(error).__name__)
    finally:
        database.close()


def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema; many at once do it once."""
    settings.paths.make()
    database = Database.open(settings.database)
    try:
        database.migrate()
    finally:
        database.close()


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """Open the database for a command that looks or changes, and close it again.

    Raises:
        RefusedError: There is none yet.
        SchemaError: It is older or newer than this program.
    """
    if settings.database_url is None and not settings.paths.database.exists():
        raise RefusedError(f"expected a home with a database, got {settings.home}: the service has not run on it yet")
    with closing(Database.open(settings.database)) as database:
        database.require_newest()
        yield database


def status(settings: Settings) -> list[str]:
    """Describe the jobs and the slots, a line each."""
    with opened(settings) as database, database.read() as conn:
        wanted = select(job.c.state, func.count().label("jobs")).where(job.c.kind == "search").group_by(job.c.state)
        lines = sorted(f"{row.state}: {row.jobs}" for row in conn.execute(wanted))
        lines += [_slot_line(slot) for slot in slot_table.listed(conn, within_seconds=settings.lease_ttl_seconds)]
    return lines or ["no jobs and no slots yet"]


def _slot_line(slot: Mapping[str, Any]) -> str:
    words = ["live" if slot["live"] else f"silent since {slot['seen_at']}", slot["sandbox"], slot["job"] or "idle"]
    words += ["draining"] if slot["draining"] else []
    words += [f"takes nothing: {slot['blocked']}"] if slot["blocked"] else []
    return f"slot {slot['id']}: {', '.join(words)}"


def lives_on(settings: Settings, host: str) -> bool:
    """Say whether a slot of a host was seen lately."""
    with opened(settings) as database, database.read() as conn:
        found = slot_table.listed(conn, within_seconds=settings.lease_ttl_seconds)
    return any(slot["live"] and slot["host"] == host for slot in found)


def requeue(settings: Settings, job_id: str) -> str:
    """Take a running job from its worker, put it back into the queue, and give its state.

    Raises:
        NotFoundError: There is no such job.
        InvalidTransitionError: It does not run.
    """
    with opened(settings) as database:
        return leases.requeue(database, job_id=job_id, retain=settings.retain_seconds)

"""What an operator does beside running the service: slots alone, migrations, a look at it, a check of the machine."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from jobs import slots as slot_table
from jobs.database import Database
from jobs.settings import Settings
from jobs.tables import job
from service.embedded import NoRedisError, find_server
from service.keeper import Keeper
from service.listening import RefusedError
from service.probing import probe_sandbox
from service.signals import ended_by_signals
from service.slots import cores_here, environment, gpus_here, kept_slot, plan_slots

SAFE_SQLITE = (3, 51, 3)
"""Before it the write-ahead log has a rare corruption bug, which `Database.fold` keeps away from."""
ENOUGH_DISK_BYTES = 2 << 30


@dataclass(frozen=True)
class Finding:
    """One thing the doctor looked at."""

    what: str
    well: bool
    detail: str


def work(settings: Settings, *, slots: str) -> None:
    """Keep slots running until SIGINT or SIGTERM.

    Raises:
        RefusedError: No broker is set, or jobs would be held too weakly.
    """
    if settings.redis_url is None:
        raise RefusedError("expected the address of a broker in WINNOW_REDIS_URL, got none")
    os.umask(0o077)
    probe_sandbox(settings)
    plans = plan_slots(slots, cores=cores_here(), gpus=gpus_here())
    env, logs = environment(settings, settings.redis_url), settings.paths.logs
    kept = [kept_slot(plan, env=env, logs=logs) for plan in plans]
    with ended_by_signals(), Keeper(kept, grace_seconds=settings.grace_seconds + 5):
        threading.Event().wait()


def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema; many at once do it once."""
    settings.paths.make()
    database = Database.open(settings.database)
    try:
        database.migrate()
    finally:
        database.close()


def status(settings: Settings) -> list[str]:
    """Describe the jobs and the slots, a line each."""
    database = Database.open(settings.database)
    try:
        with database.read() as conn:
            searches = select(job.c.state, func.count()).where(job.c.kind == "search").group_by(job.c.state)
            lines = [f"{state}: {count}" for state, count in sorted(conn.execute(searches).tuples())]
            for slot in slot_table.listed(conn, within_seconds=settings.lease_ttl_seconds):
                alive = "live" if slot["live"] else f"silent since {slot['seen_at']}"
                lines.append(f"slot {slot['id']}: {alive}, {slot['sandbox']}, {slot['job'] or 'idle'}")
    finally:
        database.close()
    return lines or ["no jobs and no slots yet"]


def doctor(settings: Settings) -> list[Finding]:
    """Look at everything the service stands on."""
    return [_sandbox(settings), *_sqlite(settings), _redis(settings), _disk(settings)]


def _sqlite(settings: Settings) -> Iterator[Finding]:
    safe = sqlite3.sqlite_version_info >= SAFE_SQLITE
    caution = "" if safe else f" (before {'.'.join(map(str, SAFE_SQLITE))} one process at a time folds the log)"
    yield Finding("SQLite", True, f"version {sqlite3.sqlite_version}{caution}")
    if settings.database_url is None and settings.paths.database.exists():
        with sqlite3.connect(settings.paths.database) as conn:
            answer = conn.execute("PRAGMA quick_check").fetchone()[0]
        conn.close()
        yield Finding("database", answer == "ok", f"quick_check says {answer}")


def _redis(settings: Settings) -> Finding:
    if settings.redis_url is not None:
        return Finding("Redis", True, "set by WINNOW_REDIS_URL")
    try:
        return Finding("Redis", True, find_server())
    except NoRedisError as error:
        return Finding("Redis", False, str(error))


def _sandbox(settings: Settings) -> Finding:
    try:
        held = probe_sandbox(settings)
    except RefusedError as error:
        return Finding("sandbox", False, str(error))
    remarks = "".join(f"; {warning}" for warning in held["warnings"])
    return Finding("sandbox", held["level"] == "landlock", f"level {held['level']}{remarks}")


def _disk(settings: Settings) -> Finding:
    home = settings.home.absolute()
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    return Finding("disk", free >= ENOUGH_DISK_BYTES, f"{free >> 20} MiB free in {there}")

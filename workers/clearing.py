"""Removes what attempts left on this machine: folders of workers that were killed, logs that are kept elsewhere."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from jobs.database import Database
from jobs.tables import job
from workers.attempt import discard
from workers.probe import PROBE_PREFIX

LOG_SECONDS = 7 * 86400.0
"""How long the log of an attempt stays here after the last word of its children; it is kept as a blob as well."""
PROBE_SECONDS = 600.0
"""Far longer than a probe of the sandbox takes."""
_ATTEMPT = re.compile(r"(job_[0-9A-Z]{26})-([0-9]+)")


def clear_abandoned(database: Database, attempts: Path) -> list[str]:
    """Delete every attempt's folder whose attempt is not the one that runs, and old probes, and give their names.

    A stale worker may still be at one of them: what it makes there would be refused anyway.
    """
    # Listed before the question: a folder is made after its claim, so that one made meanwhile is not looked at.
    there = [path for path in attempts.iterdir() if _ATTEMPT.fullmatch(path.name)]
    running = _running(database) if there else set()
    abandoned = [path for path in there if path.name not in running]
    abandoned += [
        path for path in attempts.glob(f"{PROBE_PREFIX}*") if _age_seconds(path, now=time.time()) > PROBE_SECONDS
    ]
    for path in abandoned:
        discard(path)
    return sorted(path.name for path in abandoned)


def clear_old_logs(logs: Path, *, now: Callable[[], float] = time.time) -> list[str]:
    """Delete the logs of attempts that have been silent for `LOG_SECONDS`, not those of processes; give their names."""
    there = [path for path in logs.glob("job_*.log") if _ATTEMPT.fullmatch(path.stem)]
    old = [path for path in there if _age_seconds(path, now=now()) > LOG_SECONDS]
    for path in old:
        path.unlink(missing_ok=True)
    return sorted(path.name for path in old)


def _running(database: Database) -> set[str]:
    """Name the folders of the attempts that run."""
    with database.read() as conn:
        rows = conn.execute(select(job.c.id, job.c.attempt).where(job.c.state == "running")).all()
    return {f"{row.id}-{row.attempt}" for row in rows}


def _age_seconds(path: Path, *, now: float) -> float:
    try:
        return now - path.stat().st_mtime
    except FileNotFoundError:  # its probe has just ended, or somebody else deleted it
        return 0.0

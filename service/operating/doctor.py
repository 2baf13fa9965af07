"""Whether this machine and what the service stands on are as they should be; changes nothing, a probe apart."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from redis.exceptions import RedisError
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from jobs import broker
from jobs.blobs import open_blobs
from jobs.database import Database
from jobs.migrations import revisions
from jobs.settings import Settings
from jobs.waiting import queue
from service.operating.embedded import NoRedisError, find_server
from service.operating.listening import RefusedError
from service.operating.probing import probe_sandbox
from service.operating.slots import KINDS, cores_here, gpus_here

SAFE_SQLITE = (3, 51, 3)
"""Before it the write-ahead log has a rare corruption bug, which `Database.fold` keeps away from."""
ENOUGH_DISK_BYTES = 2 << 30
SKEW_SECONDS = 30.0
"""Leases run by the database's clock alone; beyond this logs of two machines can no longer be read side by side."""
KEEPS_EVERYTHING = "noeviction"
_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Finding:
    """One thing the doctor looked at."""

    what: str
    well: bool
    detail: str


def look_over(settings: Settings) -> list[Finding]:
    """Look at everything the service stands on; what cannot be reached is a finding, never an error."""
    return [_sandbox(settings), _devices(), *_database(settings), *_redis(settings), _blobs(settings), _disk(settings)]


def _sandbox(settings: Settings) -> Finding:
    try:
        held = probe_sandbox(settings)
    except RefusedError as error:
        return Finding("sandbox", False, str(error))
    remarks = "".join(f"; {warning}" for warning in held["warnings"])
    return Finding("sandbox", held["level"] == "landlock", f"level {held['level']}{remarks}")


def _devices() -> Finding:
    gpus = len(gpus_here())
    if gpus and not _DRIVER.exists():
        return Finding("devices", False, f"expected the driver of {gpus} GPUs to be loaded, got none")
    driver = _DRIVER.read_text().splitlines()[0].partition(":")[2].strip() if gpus else "no GPU"
    return Finding("devices", True, f"{cores_here()} cores, {gpus} GPUs ({driver})")


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is None and not settings.paths.database.exists():
        yield Finding("database", True, f"SQLite {sqlite3.sqlite_version}, made at the first start")
        return
    database = Database.open(settings.database)
    try:
        with database.read() as conn:
            yield _version(conn)
            yield _schema(conn)
            yield _clock(conn)
    except SQLAlchemyError as error:
        yield Finding("database", False, f"expected an answer, got {type(error).__name__}")
    finally:
        database.close()


def _version(conn: Connection) -> Finding:
    if conn.dialect.name != "sqlite":
        version = conn.execute(text("SHOW server_version")).scalar_one()
        return Finding("database", True, f"PostgreSQL {version}")
    safe = sqlite3.sqlite_version_info >= SAFE_SQLITE
    caution = "" if safe else f" (before {'.'.join(map(str, SAFE_SQLITE))} one process at a time folds the log)"
    answer = conn.execute(text("PRAGMA quick_check")).scalar_one()
    return Finding("database", answer == "ok", f"SQLite {sqlite3.sqlite_version}{caution}, quick_check says {answer}")


def _schema(conn: Connection) -> Finding:
    current, newest = revisions(conn)
    well = current == newest
    return Finding("schema", well, f"revision {current}" if well else f"expected revision {newest}, got {current}")


def _clock(conn: Connection, *, clock: Callable[[], float] = time.time) -> Finding:
    before = clock()
    there = Database.now(conn)
    skew = there - (before + clock()) / 2
    well = abs(skew) <= SKEW_SECONDS
    return Finding("clock", well, f"{skew:+.2f} s of the database against this machine")


def _redis(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url is None:
        try:
            yield Finding("Redis", True, f"a private one is started: {find_server()}")
        except NoRedisError as error:
            yield Finding("Redis", False, str(error))
        return
    try:
        with broker.client(settings.redis_url) as client:
            found = client.info()
            held = {key: queue.type_of(client, key) for key in map(queue.queue_name, KINDS)}
    except (RedisError, OSError) as error:
        yield Finding("Redis", False, f"expected an answer, got {type(error).__name__}")
        return
    policy = found.get("maxmemory_policy", KEEPS_EVERYTHING)
    name = "Valkey" if "valkey_version" in found else "Redis"
    version = found.get("valkey_version", found.get("redis_version"))
    well = policy == KEEPS_EVERYTHING
    yield Finding(name, well, f"version {version}, maxmemory-policy {policy}")
    for key, kind in held.items():
        if kind not in ("list", "none"):
            told = f"expected a list of hints at the key {key}, got a {kind}: rename or delete it"
            yield Finding(f"queue {key}", False, told)


def _blobs(settings: Settings) -> Finding:
    """Write, read back and take away a few bytes, as an upload would."""
    where = settings.blob_url or str(settings.paths.blobs)
    probe = os.urandom(32)
    try:
        blobs = open_blobs(settings)
        with blobs.writer() as writer:
            writer.write(probe)
            stored = writer.finish()
        with blobs.open(stored.sha256) as file:
            same = file.read() == probe
        blobs.delete(stored.sha256)
    except Exception as error:
        return Finding("blobs", False, f"expected {where} to take bytes, got {type(error).__name__}")
    return Finding("blobs", same, f"{where} gives back what it takes" if same else f"{where} gave back other bytes")


def _disk(settings: Settings) -> Finding:
    home = settings.home.absolute()
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    usage = shutil.disk_usage(there)
    used = 1 - usage.free / usage.total
    well = usage.free >= ENOUGH_DISK_BYTES and used <= settings.disk_high_water
    limit = f"slots stop at {settings.disk_high_water:.0%}"
    return Finding("disk", well, f"{usage.free >> 20} MiB free, {used:.0%} used ({limit})")

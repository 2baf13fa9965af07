"""Puts a backup back into an empty database and a store, all of it or none."""

import hashlib
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from jobs.backup.manifest import BLOBS, TABLES, Manifest, TableFile, read_manifest, tables
from jobs.blobs import Blobs
from jobs.database import Database
from jobs.errors import BackupError, DigestError
from jobs.ids import is_sha256
from jobs.leases import requeue
from jobs.migrations import revision_of
from jobs.tables import job

_BATCH = 500


def restore(database: Database, blobs: Blobs, folder: Path) -> Manifest:
    """Put a backup back, verified; jobs that ran when it was made are queued again, without a strike.

    The rows come last and in one transaction. When it fails before, the database is empty as it was; bytes that were
    put by then are put again by the next try, or collected.

    Args:
        database: Migrated, with no rows.

    Raises:
        BackupError: It is not whole, of another schema, or there is something in the database.
    """
    manifest = read_manifest(folder)
    strange = set(manifest.tables) ^ {table.name for table in tables()}
    with database.read() as conn:
        _require_room(conn, manifest)
    if strange:
        raise BackupError(f"expected the tables this program knows, got a difference in {', '.join(sorted(strange))}")
    for table in tables():
        _verify(folder, table, manifest.tables[table.name])
    _put_blobs(blobs, folder / BLOBS, manifest)
    with database.write() as conn:
        _require_room(conn, manifest)
        for table in tables():
            _insert(conn, folder, table)
        running = list(conn.execute(select(job.c.id).where(job.c.state == "running")).scalars())
    for job_id in running:
        requeue(database, job_id=job_id)
    return manifest


def _require_room(conn: Connection, manifest: Manifest) -> None:
    if (revision := revision_of(conn)) != manifest.revision:
        raise BackupError(
            f"expected a backup of schema {revision}, got one of {manifest.revision}: "
            "restore it with the winnow that made it, then migrate"
        )
    for table in tables():
        if rows := conn.execute(select(func.count()).select_from(table)).scalar_one():
            raise BackupError(f"expected an empty database, got {rows} rows of {table.name}")


def _verify(folder: Path, table: Table, told: TableFile) -> None:
    try:
        with _path(folder, table).open("rb") as file:
            came = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        came = "no file"
    if came != told.sha256:
        raise BackupError(f"expected {table.name}.jsonl with sha256 {told.sha256}, got {came}")


def _put_blobs(blobs: Blobs, folder: Path, manifest: Manifest) -> None:
    """Put every blob back.

    Raises:
        BackupError: One holds other bytes than its name says, or there are not as many as were copied.
    """
    count = size = 0
    for path in sorted(folder.glob("[0-9a-f][0-9a-f]/*")):
        if not is_sha256(path.name):
            continue
        try:
            with path.open("rb") as file:
                stored = blobs.put(file, expected_sha256=path.name)
        except DigestError as error:
            raise BackupError(f"the backup is damaged: {error}") from None
        count, size = count + 1, size + stored.bytes
    if (count, size) != (manifest.blobs, manifest.bytes):
        raise BackupError(f"expected {manifest.blobs} blobs of {manifest.bytes} bytes, got {count} of {size}")


def _insert(conn: Connection, folder: Path, table: Table) -> None:
    rows = _rows(_path(folder, table))
    while batch := list(islice(rows, _BATCH)):
        conn.execute(insert(table), batch)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from map(json.loads, file)


def _path(folder: Path, table: Table) -> Path:
    return folder / TABLES / f"{table.name}.jsonl"

"""Makes a backup: the rows of one moment, and every blob they name; changes nothing."""

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select

from jobs.backup.manifest import BLOBS, FORMAT, TABLES, Manifest, TableFile, tables
from jobs.blobs import Blobs
from jobs.blobs.naming import key_of
from jobs.clock import now, rfc3339
from jobs.database import Database
from jobs.errors import BackupError, BlobDamagedError, BlobMissingError
from jobs.keeping.collection import named
from jobs.keeping.holds import BYTES, held
from jobs.migrations import revision_of
from jobs.tables import blob

_BATCH = 1000
_log = logging.getLogger(__name__)


def back_up(database: Database, blobs: Blobs, folder: Path) -> Manifest:
    """Copy everything into a new folder while the service goes on, and say what was copied.

    The rows are those of one moment. The blobs are copied after it: nothing that a row of that moment names is deleted
    until the end, and what is put meanwhile is left out.

    Args:
        folder: Not there yet, or empty.

    Raises:
        BackupError: There is something in the folder.
        HoldTakenError: A collection or another backup is under way.
        StoreUnavailableError: The store does not answer.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise BackupError(f"expected an empty folder for the backup, got {folder} with something in it")
    for part in (TABLES, BLOBS):
        (folder / part).mkdir(mode=0o700)
    with held(database, BYTES, purpose="backup"):
        with database.read() as conn:
            made_at, revision = rfc3339(now(conn)), revision_of(conn)
            files = {table.name: _write_table(conn, table, folder / TABLES) for table in tables()}
            wanted = _listed(conn)
        sizes, lost = _copy_blobs(blobs, wanted, folder / BLOBS)
    manifest = Manifest(FORMAT, revision, str(made_at), files, len(sizes), sum(sizes), tuple(lost))
    manifest.write(folder)
    _sync(folder)
    return manifest


def _write_table(conn: Connection, table: Table, folder: Path) -> TableFile:
    digest, rows = hashlib.sha256(), 0
    with (folder / f"{table.name}.jsonl").open("xb") as file:
        for row in _rows(conn, table):
            line = json.dumps(row, allow_nan=False, separators=(",", ":")).encode() + b"\n"
            digest.update(line)
            file.write(line)
            rows += 1
    return TableFile(rows, digest.hexdigest())


def _rows(conn: Connection, table: Table) -> Iterator[dict[str, Any]]:
    """Read a table, rows that others of it refer to first."""
    own = [column for column in table.c if any(key.column.table is table for key in column.foreign_keys)]
    query = select(table).order_by(*(column.is_not(None) for column in own), *table.primary_key)
    with conn.execution_options(yield_per=_BATCH).execute(query) as found:
        for row in found.mappings():
            yield dict(row)


def _listed(conn: Connection) -> dict[str, bool]:
    """List the blobs there are rows of, and whether anything names them."""
    digests = list(conn.execute(select(blob.c.sha256).order_by(blob.c.sha256)).scalars())
    wanted: set[str] = set()
    for at in range(0, len(digests), _BATCH):
        wanted |= named(conn, digests[at : at + _BATCH])
    return {sha256: sha256 in wanted for sha256 in digests}


def _copy_blobs(blobs: Blobs, listed: dict[str, bool], folder: Path) -> tuple[list[int], list[str]]:
    """Copy the blobs, verified; give their sizes, and the digests of those that should have been there."""
    sizes, lost = [], []
    for sha256, wanted in listed.items():
        target = folder / key_of(sha256)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            blobs.fetch(sha256, to=target)
            sizes.append(target.stat().st_size)
        except (BlobMissingError, BlobDamagedError) as error:
            if wanted:
                _log.error("backup: %s", error)
                lost.append(sha256)
    return sizes, lost


def _sync(folder: Path) -> None:
    """Make everything in a folder survive a power cut."""
    for at, _, names in os.walk(folder):
        for path in (Path(at), *(Path(at, name) for name in names)):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

"""What a backup holds, and which tables are part of one; reads and writes `backup.json` alone."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Table

from jobs.errors import BackupError
from jobs.tables import METADATA, hold, slot

MANIFEST = "backup.json"
TABLES = "tables"
BLOBS = "blobs"
FORMAT = 1
TRANSIENT = {slot.name, hold.name}
"""Of processes that run now: after a restore others do."""


@dataclass(frozen=True)
class TableFile:
    """One table, written down."""

    rows: int
    sha256: str
    """Of the file."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds."""

    format: int
    revision: str
    """Of the schema."""
    made_at: str
    tables: Mapping[str, TableFile]
    blobs: int
    bytes: int
    lost: tuple[str, ...]
    """Digests of bytes that rows name and the store had lost or damaged."""

    def write(self, folder: Path) -> None:
        """Write it, durably."""
        with (folder / MANIFEST).open("x") as file:
            json.dump(asdict(self), file, indent=2)


def tables() -> list[Table]:
    """List the tables of a backup, each after those it refers to."""
    return [table for table in METADATA.sorted_tables if table.name not in TRANSIENT]


def read_manifest(folder: Path) -> Manifest:
    """Read what a backup says it holds.

    Raises:
        BackupError: It is none, one that was cut short, or one of a format this program does not know.
    """
    try:
        told = json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError:
        raise BackupError(f"expected a backup with a {MANIFEST} in {folder}, got none: it was cut short") from None
    except ValueError as error:
        raise BackupError(f"expected {MANIFEST} to be JSON, got {error}") from None
    if told.get("format") != FORMAT:
        raise BackupError(f"expected a backup of format {FORMAT}, got {told.get('format')!r}: use a newer winnow")
    files = {name: TableFile(**file) for name, file in told["tables"].items()}
    return Manifest(**{**told, "tables": files, "lost": tuple(told["lost"])})

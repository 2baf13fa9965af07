"""What an operator does with everything that is kept: deletes what nobody names, copies the rest away and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs import backup
from jobs.blobs import Blobs, open_blobs
from jobs.database import Database
from jobs.keeping.collection import collect
from jobs.settings import Settings


def collect_forgotten(settings: Settings, *, dry_run: bool) -> str:
    """Delete the bytes nobody names, and say what went."""
    with _opened(settings) as (database, blobs):
        done = collect(database, blobs, after_seconds=settings.collect_after_seconds, rehearse=dry_run)
    verb = "would delete" if dry_run else "deleted"
    return (
        f"{verb} {done.blobs} blobs of {done.bytes} bytes and {done.incoming} unfinished uploads; "
        f"{done.kept} blobs are kept"
    )


def make_backup(settings: Settings, folder: Path) -> backup.Manifest:
    """Copy everything into a new folder."""
    with _opened(settings) as (database, blobs):
        database.require_newest()
        return backup.back_up(database, blobs, folder)


def restore_backup(settings: Settings, folder: Path) -> backup.Manifest:
    """Put a backup into an empty home or database, which is made where there is none."""
    settings.paths.make()
    with _opened(settings) as (database, blobs):
        database.migrate()
        return backup.restore(database, blobs, folder)


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Database, Blobs]]:
    blobs = open_blobs(settings)
    database = Database.open(settings.database)
    try:
        yield database, blobs
    finally:
        database.close()

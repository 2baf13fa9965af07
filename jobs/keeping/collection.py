"""Deletes the bytes that nobody names any more; knows no job and decides nothing about who forgets what.

A blob goes when no grant, artifact, checkpoint, log, model, dataset or job that is not done names it, and nobody has
put it for a while. Nothing is deleted while a backup copies.

Whoever puts bytes names them afterwards, in another transaction. What keeps a blob from going in between:

- A put makes an old blob young again, and the store is asked for its age inside the transaction that found it unnamed.
- That transaction holds the blob's row. Whoever names the blob waits for it, and looks then whether the bytes are
  there (an upload), or has them at hand and puts them again in a next attempt (a worker).
- A folder moves a blob aside before it looks at its age, and back if it is young. A bucket cannot: between its two
  requests, some milliseconds apart, the same bytes may be put and lost. The hour in which a blob counts as fresh
  without being put again is far shorter than the time after which it may go.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.sql import Select

from jobs import grants
from jobs.blobs import Blobs, Kept, Stored
from jobs.database import Database
from jobs.keeping.holds import BYTES, Hold, held
from jobs.states import DONE
from jobs.tables import artifact, attempt, blob, blob_grant, checkpoint, dataset, job, model

_BATCH = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Collected:
    """What a collection did."""

    blobs: int
    bytes: int
    incoming: int
    """Uploads that were begun and never finished."""
    kept: int
    """Blobs that stay."""


def collect(database: Database, blobs: Blobs, *, after_seconds: float, rehearse: bool = False) -> Collected:
    """Delete what nobody names and nobody has put for `after_seconds`.

    Args:
        rehearse: Count what would go, and delete nothing.

    Raises:
        HoldTakenError: A backup or another collection is under way.
        StoreUnavailableError: The store does not answer; what was deleted is, the rest is left for the next time.
    """
    gone = freed = kept = 0
    with held(database, BYTES, purpose="collection") as right:
        listed = blobs.names()
        while batch := list(islice(listed, _BATCH)):
            forgotten = _forgotten(database, [found for found in batch if found.age_seconds >= after_seconds])
            for found in forgotten:
                if rehearse or _delete(database, blobs, found, right=right, after_seconds=after_seconds):
                    gone, freed = gone + 1, freed + found.bytes
            kept += len(batch)
        incoming = 0 if rehearse else blobs.clear_incoming(idle_seconds=after_seconds)
    _log.info("collected %d blobs of %d bytes, %d unfinished uploads", gone, freed, incoming)
    return Collected(gone, freed, incoming, kept - gone)


def named(conn: Connection, digests: Sequence[str]) -> set[str]:
    """Say which of these blobs anything names."""
    return {sha256 for query in _names(digests) for sha256 in conn.execute(query).scalars()}


def _names(digests: Sequence[str]) -> Iterator[Select[Any]]:
    for column in (
        blob_grant.c.sha256,
        artifact.c.sha256,
        checkpoint.c.sha256,
        attempt.c.log_sha256,
        model.c.sha256,
        dataset.c.sha256,
        dataset.c.canonical_sha256,
    ):
        yield select(column).where(column.in_(digests))
    start = job.c.origin["checkpoint"].as_string()
    yield select(start).where(start.in_(digests), job.c.state.not_in(DONE))


def _forgotten(database: Database, found: Sequence[Kept]) -> list[Kept]:
    if not found:
        return []
    with database.read() as conn:
        wanted = named(conn, [blob.sha256 for blob in found])
    return [blob for blob in found if blob.sha256 not in wanted]


def _delete(database: Database, blobs: Blobs, found: Kept, *, right: Hold, after_seconds: float) -> bool:
    """Delete a blob and its row, unless somebody has named or put it since."""
    with database.write() as conn:
        right.require(conn)
        grants.reserve(conn, Stored(found.sha256, found.bytes))
        if named(conn, [found.sha256]):
            return False
        if not blobs.delete(found.sha256, idle_seconds=after_seconds):
            return False
        conn.execute(delete(blob).where(blob.c.sha256 == found.sha256))
        return True

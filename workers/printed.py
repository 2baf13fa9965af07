"""What the children of one attempt have printed, kept as a blob now and then; never holds the attempt up or ends it."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from jobs import attempts
from jobs.blobs import Blobs
from jobs.database import Database
from jobs.leases import Lease

KEEP_SECONDS = 30.0
"""Between two times that it is kept while the attempt lasts; each is a blob of its own until it is collected."""

_log = logging.getLogger(__name__)


class Printed:
    """The log of an attempt, which readers on other machines see no other way.

    Args:
        path: File that the children print to.
    """

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        lease: Lease,
        path: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self._database = database
        self._blobs = blobs
        self._lease = lease
        self._clock = clock
        self._kept_bytes = 0
        self._kept_at: float | None = None

    def keep_sometimes(self) -> None:
        """Keep it, unless that was done a moment ago."""
        if self._kept_at is None or self._clock() - self._kept_at >= KEEP_SECONDS:
            self.keep()

    def keep(self) -> None:
        """Keep what was printed so far, if it is more than what is kept; a failure is only noted."""
        self._kept_at = self._clock()
        try:
            if not self.path.exists() or self.path.stat().st_size <= self._kept_bytes:
                return
            with self.path.open("rb") as file:
                stored = self._blobs.put(file)
            attempts.keep_log(self._database, self._lease, stored)
            self._kept_bytes = stored.bytes
        except Exception as error:  # whatever a database, a disk or an object store may raise: a log is worth no job
            _log.warning("%s attempt %d: its log was not kept: %r", self._lease.job_id, self._lease.attempt, error)

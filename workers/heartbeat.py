"""Renews a lease beside the work, so that neither a long commit nor a busy trainer loses it; does no work itself."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from jobs.errors import LeaseLostError
from jobs.leases import Orders
from workers.bell import Bell
from workers.child import Child

NO_ORDERS = Orders(cancel_requested=False, pause_requested=False, overrun=False, drain_requested=False)

_log = logging.getLogger(__name__)

Beat = Callable[[Mapping[str, Any] | None], Orders]
"""Renews the lease and shows the progress given, if any; raises `LeaseLostError`."""


@dataclass(frozen=True)
class Rhythm:
    """How often a lease is renewed, and how long without success before the work is stopped."""

    beat_seconds: float
    ttl_seconds: float
    progress_seconds: float = 1.0
    """The least time between two renewals that only show progress."""

    @property
    def margin_seconds(self) -> float:
        """How long before the lease can expire the work has to be stopped: ten seconds of the usual sixty."""
        return min(10.0, self.ttl_seconds / 6)


class Heartbeat:
    """A thread that beats until the block it guards ends.

    `lost` is set when the lease is gone (`refused`), or when it may be because no beat succeeded for the lease's time
    less the margin, by this machine's monotonic clock. The child being watched is killed in that moment, whatever the
    main thread is doing; the bell is rung for this and for every new order.
    """

    def __init__(self, beat: Beat, *, rhythm: Rhythm, bell: Bell, clock: Callable[[], float] = time.monotonic) -> None:
        self.lost = False
        self.refused = False
        """The database said that the lease is gone: nothing more may be written."""
        self.orders = NO_ORDERS
        """What was wanted of the job at the last beat; a pause can be taken back."""
        self._beat = beat
        self._rhythm = rhythm
        self._bell = bell
        self._clock = clock
        self._renewed_at = clock()  # by the claim
        self._progress: Mapping[str, Any] | None = None
        self._wanted_at = self._renewed_at + rhythm.beat_seconds
        self._child: Child | None = None
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def show(self, progress: Mapping[str, Any]) -> None:
        """Let the next beat show this progress, at most `progress_seconds` after the last."""
        with self._changed:
            self._progress = progress
            self._hasten(self._renewed_at + self._rhythm.progress_seconds)

    def hurry(self) -> None:
        """Beat now: there may be orders."""
        with self._changed:
            self._hasten(self._clock())

    @contextmanager
    def watching(self, child: Child) -> Iterator[None]:
        """Kill this child when the lease is lost."""
        with self._changed:
            self._child = child
            if self.lost:
                child.kill()
        try:
            yield
        finally:
            with self._changed:
                self._child = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    def _hasten(self, moment: float) -> None:
        self._wanted_at = min(self._wanted_at, moment)
        self._changed.notify()

    @property
    def overdue(self) -> bool:
        """Whether the lease may have expired by now; also true while a beat hangs."""
        return self._clock() >= self._deadline

    @property
    def _deadline(self) -> float:
        return self._renewed_at + self._rhythm.ttl_seconds - self._rhythm.margin_seconds

    def _run(self) -> None:
        while not self.lost:
            with self._changed:
                while not self._ended and (left := min(self._wanted_at, self._deadline) - self._clock()) > 0:
                    self._changed.wait(left)
                if self._ended:
                    return
                progress, self._progress = self._progress, None
            self._renew(progress)

    def _renew(self, progress: Mapping[str, Any] | None) -> None:
        # Taken before the question: the lease runs from when the database answered, which is later.
        asked_at = self._clock()
        if self.overdue:
            self._lose("no beat succeeded in time")
            return
        try:
            orders = self._beat(progress)
        except LeaseLostError as error:
            self.refused = True
            self._lose(str(error))
            return
        except (DBAPIError, PoolTimeoutError) as error:
            _log.warning("a beat failed and is tried again: %s", type(error).__name__)
            with self._changed:
                self._wanted_at = asked_at + min(1.0, self._rhythm.beat_seconds)
            return
        with self._changed:
            self._renewed_at = asked_at
            pause = self._rhythm.beat_seconds if self._progress is None else self._rhythm.progress_seconds
            self._wanted_at = asked_at + pause
        if orders != self.orders:
            self.orders = orders
            self._bell.ring()

    def _lose(self, why: str) -> None:
        _log.warning("lease lost: %s", why)
        with self._changed:
            self.lost = True
            if self._child is not None:
                self._child.kill()
        self._bell.ring()

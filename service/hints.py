"""Tells slots to look and watchers that something changed, over Redis, from a thread of its own.

No request waits for Redis: what it does not take is made up for by the sweep, and by everybody looking now and then.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterable

from jobs import nudges
from jobs.waiting.queue import celery_app, send_hint

MAX_WAITING = 1000
"""Calls that wait while Redis is slow; more are dropped."""

log = logging.getLogger(__name__)


class Hints:
    """A thread that makes calls to Redis one after the other.

    Args:
        redis_url: As Celery takes it; None: there is no Redis and every call does nothing.
    """

    def __init__(self, redis_url: str | None) -> None:
        self._redis_url = redis_url
        self._calls: queue.Queue[Callable[[], bool] | None] = queue.Queue(MAX_WAITING)
        self._celery = None if redis_url is None else celery_app(redis_url)
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Make the calls that wait and end the thread; gives up on a Redis that does not answer."""
        try:
            self._calls.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(timeout=5)

    def look(self, kinds: Iterable[str]) -> None:
        """Say *look* to the slots of these kinds."""
        celery = self._celery
        if celery is not None:
            for kind in kinds:
                self._put(lambda kind=kind: send_hint(celery, kind))  # type: ignore[misc]

    def changed(self, job_id: str) -> None:
        """Tell watchers in every process that there is something new about a job."""
        self._nudge(nudges.CHANGED, job_id)

    def ordered(self, job_id: str) -> None:
        """Tell workers that a client wants something of a running job."""
        self._nudge(nudges.ORDERED, job_id)

    def _nudge(self, channel: str, job_id: str) -> None:
        url = self._redis_url
        if url is not None:
            self._put(lambda: nudges.nudge(url, channel, job_id))

    def _put(self, call: Callable[[], bool]) -> None:
        try:
            self._calls.put_nowait(call)
        except queue.Full:
            log.info("a hint was dropped: %d wait for Redis", MAX_WAITING)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            if not call():
                log.info("Redis did not take a hint")

"""The sweep of an API process: a thread that settles expired leases and tops up hints; decides nothing itself."""

import logging
import random
import threading

from sqlalchemy.exc import SQLAlchemyError

from jobs.database import Database
from jobs.settings import Settings
from jobs.sweep import sweep
from jobs.waiting.queue import celery_app, top_up
from service.hints import Hints

log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps every `sweep_seconds`, give or take a fifth so that processes do not sweep in step."""

    def __init__(self, database: Database, settings: Settings, hints: Hints) -> None:
        self._database, self._settings, self._hints = database, settings, hints
        self._stop = threading.Event()
        self._celery = None if settings.redis_url is None else celery_app(settings.redis_url)
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the sweep it is at."""
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.wait(self._settings.sweep_seconds * random.uniform(0.8, 1.2)):  # noqa: S311 - jitter
            try:
                self._once()
            except SQLAlchemyError as error:
                log.warning("the sweep could not be made: %s", type(error).__name__)

    def _once(self) -> None:
        swept = sweep(self._database, settings=self._settings)
        if swept.renewed:
            log.warning("no sweep could be made for long: %d leases that ran out were renewed", swept.renewed)
        for job_id in (*swept.requeued, *swept.paused, *swept.failed, *swept.cancelled):
            log.info("settled %s, whose time was over", job_id)
            self._hints.changed(job_id)
        if self._celery is not None and self._settings.redis_url is not None:
            top_up(self._celery, self._settings.redis_url, swept.hints)

"""What a worker process does beside its jobs: sweeps, clears up, says that its slot lives, passes nudges on."""

import logging
import random
import threading
import time
from collections.abc import Callable

from redis.exceptions import RedisError
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from jobs import leases, nudges, slots
from jobs.database import Database
from jobs.settings import Settings
from jobs.slots import SlotIdentity
from jobs.sweep import Swept, sweep
from jobs.tables import job
from workers.clearing import clear_abandoned

_log = logging.getLogger(__name__)


class Nudger:
    """Nudges readers from a thread of its own, so that a frozen Redis holds up no job; several become one."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="nudger", daemon=True).start()

    def __call__(self, job_id: str) -> None:
        """Nudge soon; never waits."""
        with self._changed:
            self._waiting.add(job_id)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                waiting, self._waiting = self._waiting, set()
            for job_id in waiting:
                nudges.nudge(self._redis_url, nudges.CHANGED, job_id)


def listen_for_orders(redis_url: str, ordered: Callable[[str], None]) -> None:
    """Start a thread that passes on every job a client wants stopped; without Redis the next beat brings it."""

    def listen() -> None:
        while True:
            try:
                for job_id in nudges.listen(redis_url, nudges.ORDERED, every_seconds=1.0):
                    if job_id is not None:
                        ordered(job_id)
            except (RedisError, OSError):
                time.sleep(1.0)

    threading.Thread(target=listen, name="orders", daemon=True).start()


class Rounds:
    """Makes the rounds every `sweep_seconds`, give or take a tenth so that processes do not all do it at once.

    Args:
        top_up: Sends the hints a sweep found missing.
        nudge: Tells readers about the jobs a sweep moved.
        busy: Whether the slot is on a job, whose heartbeat then says that it lives.
        give_up: Called when the slot was idle for `idle_restart_seconds` although there was work for it: its
            connection to the broker may be dead without anybody knowing.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        identity: SlotIdentity,
        *,
        top_up: Callable[[Swept], None],
        nudge: Callable[[str], None],
        busy: Callable[[], bool],
        give_up: Callable[[], None],
    ) -> None:
        self._database = database
        self._settings = settings
        self._identity = identity
        self._top_up = top_up
        self._nudge = nudge
        self._busy = busy
        self._give_up = give_up
        self._passed_over_since: float | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rounds", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round that is being made; nothing to do when it was never started."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        often = min(self._settings.sweep_seconds, self._settings.beat_seconds, self._settings.idle_restart_seconds / 2)
        while not self._ended.wait(often * random.uniform(0.9, 1.1)):  # noqa: S311 - spreads load, hides nothing
            try:
                self.make_one()
            except DBAPIError as error:
                _log.warning("a round was cut short: %s", type(error.orig).__name__)

    def make_one(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Sweep, top the hints up, clear up, say that the slot lives, and notice when it is passed over."""
        swept = sweep(self._database, settings=self._settings)
        self._top_up(swept)
        for job_id in (*swept.requeued, *swept.failed, *swept.cancelled):
            self._nudge(job_id)
        clear_abandoned(self._database, self._settings.paths.attempts)
        if self._busy():
            self._passed_over_since = None
            return
        with self._database.write() as conn:
            slots.seen(conn, self._identity.id)
            waiting = _has_work(conn, self._identity)
        if not waiting or self._busy():
            self._passed_over_since = None
        elif self._passed_over_since is None:
            self._passed_over_since = clock()
        elif clock() - self._passed_over_since >= self._settings.idle_restart_seconds:
            self._give_up()


def _has_work(conn: Connection, identity: SlotIdentity) -> bool:
    """Say whether there is a job for this slot; one that takes no uploads cannot tell and says no."""
    if not identity.accepts_uploads:
        return False
    query = select(job.c.id).where(leases.claimable(identity.kinds)).limit(1)
    return conn.execute(query).one_or_none() is not None

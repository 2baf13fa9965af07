"""What a worker process does beside its jobs: sweeps, clears up, says that its slot lives, passes nudges on."""

import logging
import random
import threading
import time
from collections.abc import Callable

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from jobs import counters, leases, nudges, slots
from jobs.database import Database
from jobs.settings import Settings
from jobs.slots import SlotIdentity
from jobs.sweep import Swept, sweep
from workers.clearing import clear_abandoned, clear_old_logs
from workers.reading import Refusals

LOGS_SECONDS = 3600.0
"""Between two looks for logs that are old enough to go."""
_SECONDS_TO_END = 10.0

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


def count_refused(database: Database, refusals: Refusals) -> None:
    """Write down how many messages were dropped that were no hints; what cannot be written is counted again."""
    if refused := refusals.take():
        _log.warning("%d messages that were no hints were dropped", refused)
        try:
            with database.write() as conn:
                counters.add(conn, tenant=counters.EVERYONE, name=counters.MESSAGES_REFUSED, by=refused)
        except SQLAlchemyError:
            refusals.add(refused)
            raise


class Rounds:
    """Makes the rounds every `sweep_seconds`, give or take a tenth so that processes do not all do it at once.

    Args:
        top_up: Sends the hints a sweep found missing.
        nudge: Tells readers about the jobs a sweep moved.
        busy: Whether the slot is on a job, whose heartbeat then says that it lives.
        give_up: Called when the slot was idle for `idle_restart_seconds` although there was work for it: its
            connection to the broker may be dead without anybody knowing.
        standing: Looks whether the slot may take jobs and tells the database.
        refusals: Of messages that the slot read and that were no hints.
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
        standing: Callable[[], object] = lambda: True,
        refusals: Refusals | None = None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._identity = identity
        self._top_up = top_up
        self._nudge = nudge
        self._busy = busy
        self._give_up = give_up
        self._standing = standing
        self._refusals = refusals or Refusals()
        self._passed_over_since: float | None = None
        self._logs_cleared_at: float | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rounds", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round that is being made, unless that hangs; nothing to do when it was never started."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(_SECONDS_TO_END)

    def _run(self) -> None:
        often = min(self._settings.sweep_seconds, self._settings.beat_seconds, self._settings.idle_restart_seconds / 2)
        while not self._ended.wait(often * random.uniform(0.9, 1.1)):  # noqa: S311 - spreads load, hides nothing
            try:
                self.make_one()
            except SQLAlchemyError as error:
                _log.warning("a round was cut short: %s", type(error).__name__)

    def make_one(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Sweep, top the hints up, clear up, say that the slot lives, and notice when it is passed over."""
        swept = sweep(self._database, settings=self._settings)
        self._top_up(swept)
        for job_id in (*swept.requeued, *swept.paused, *swept.failed, *swept.cancelled):
            self._nudge(job_id)
        count_refused(self._database, self._refusals)
        clear_abandoned(self._database, self._settings.paths.attempts)
        if self._logs_cleared_at is None or clock() - self._logs_cleared_at >= LOGS_SECONDS:
            self._logs_cleared_at = clock()
            clear_old_logs(self._settings.paths.logs)
        self._standing()
        if self._busy():
            self._passed_over_since = None
            return
        with self._database.write() as conn:
            slots.seen(conn, self._identity.id)
        if not leases.has_work(self._database, slot=self._identity) or self._busy():
            self._passed_over_since = None
        elif self._passed_over_since is None:
            self._passed_over_since = clock()
        elif clock() - self._passed_over_since >= self._settings.idle_restart_seconds:
            self._give_up()

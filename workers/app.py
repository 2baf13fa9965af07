"""The Celery process of one slot: hints in, `Slot.look` called; knows nothing of what a job is."""

import warnings
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import setup_logging, worker_ready, worker_shutting_down

from jobs.waiting import queue
from workers.reading import Refusals, read_hints_alone


class Heed:
    """Whether hints are read at all: one that is read by a slot that takes no jobs is lost to those that do.

    Safe to use from any thread, also before the process reads hints and while it looks for the broker.
    """

    def __init__(self, kind: str) -> None:
        self._queue = queue.queue_name(kind)
        self._wanted = True
        self._worker: Any = None

    def want(self, wanted: bool) -> None:
        """Read hints from now on, or stop reading them."""
        self._wanted = wanted
        self._apply()

    def begin(self, worker: Any) -> None:
        """Take charge of a Celery process that has just begun to read hints."""
        self._worker = worker
        self._apply()

    def _apply(self) -> None:
        if self._worker is not None:
            consumer = self._worker.consumer
            consumer.call_soon(consumer.add_task_queue if self._wanted else consumer.cancel_task_queue, self._queue)


def celery_process(
    redis_url: str,
    *,
    kind: str,
    name: str,
    look: Callable[[], None],
    stop: Callable[[], None],
    heed: Heed,
    refusals: Refusals,
) -> int:
    """Wait for hints and look at each, in this thread, until SIGTERM or SIGINT; give the exit status.

    A hint carries nothing and nothing is answered: whatever else is in the queue is dropped.

    Args:
        redis_url: Of the broker, as Celery takes it.
        kind: Of the slot, which names the queue.
        name: Of the process, in the logs.
        look: Called for every hint.
        stop: Called in the signal handler, so that a job that is being run can be saved and given back.
        heed: Says whether hints are read.
        refusals: Counts what else was in the queue.
    """
    app = application(redis_url, look)
    read_hints_alone(app, refusals.add)

    def shutting_down(**_: Any) -> None:
        stop()

    def keep_logging_as_it_is(**_: Any) -> None:
        """Celery sets logging up unless somebody answers its signal."""

    # As root Celery warns of pickled messages, which `accept_content` keeps out.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    worker_shutting_down.connect(shutting_down)
    setup_logging.connect(keep_logging_as_it_is)
    worker = app.Worker(
        hostname=name,
        pool="solo",
        concurrency=1,
        queues=[queue.queue_name(kind)],
        redirect_stdouts=False,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )

    def ready(**_: Any) -> None:
        heed.begin(worker)

    worker_ready.connect(ready)
    worker.start()
    return int(worker.exitcode or 0)


def application(redis_url: str, look: Callable[[], None]) -> Celery:
    """Make the Celery application with the one task there is."""
    app = queue.celery_app(redis_url)

    def winnow_look() -> None:
        look()

    app.task(name=queue.TASK, ignore_result=True)(winnow_look)
    return app

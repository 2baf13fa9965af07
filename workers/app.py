"""The Celery process of one slot: hints in, `Slot.look` called; knows nothing of what a job is."""

import warnings
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import setup_logging, worker_shutting_down

from jobs import queue


def celery_process(redis_url: str, *, kind: str, name: str, look: Callable[[], None], stop: Callable[[], None]) -> int:
    """Wait for hints and look at each, in this thread, until SIGTERM or SIGINT; give the exit status.

    A hint carries nothing and nothing is answered: whatever else is in the queue is dropped by Celery.

    Args:
        redis_url: Of the broker, as Celery takes it.
        kind: Of the slot, which names the queue.
        name: Of the process, in the logs.
        look: Called for every hint.
        stop: Called in the signal handler, so that a job that is being run can be saved and given back.
    """
    app = application(redis_url, look)

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
    worker.start()
    return int(worker.exitcode or 0)


def application(redis_url: str, look: Callable[[], None]) -> Celery:
    """Make the Celery application with the one task there is."""
    app = queue.celery_app(redis_url)

    def winnow_look() -> None:
        look()

    app.task(name=queue.TASK, ignore_result=True)(winnow_look)
    return app

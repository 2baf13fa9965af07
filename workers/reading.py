"""Reads a queue of hints and lets nothing else in: what is no hint is dropped and counted, whatever it is made of.

Where the key of the queue holds something that is no queue, nothing can be read from it, and nothing of somebody
else's is deleted: a hint is made up every second instead, so that jobs run all the same.
"""

import base64
import logging
import threading
import time
import uuid
from collections.abc import Callable
from queue import Empty
from typing import Any

from celery import Celery
from kombu.transport import redis as kombu_redis
from redis.exceptions import RedisError, ResponseError

from jobs.waiting import queue

BLIND_SECONDS = 1.0
"""Between two hints that are made up; the process waits that long before it asks a key again that is no queue."""
_HINT = {"headers": {"task": queue.TASK}}
_NOTHING = base64.b64encode(b"[[], {}, {}]").decode()

_log = logging.getLogger(__name__)


class Refusals:
    """Counts what was dropped until somebody takes the count to write it down; safe to use from any thread."""

    def __init__(self) -> None:
        self._count = 0
        self._lock = threading.Lock()

    def add(self, count: int = 1) -> None:
        """Count messages."""
        with self._lock:
            self._count += count

    def take(self) -> int:
        """Give how many there were since the last time."""
        with self._lock:
            taken, self._count = self._count, 0
        return taken


def read_hints_alone(app: Celery, refuse: Callable[[], None]) -> None:
    """Have an application that reads hints take nothing else from its broker.

    One message that is no JSON would otherwise end the process that reads it: Celery expects its own at the other end.

    Args:
        app: Its connections for reading are changed; those for sending stay as they are.
        refuse: Called for every message that was dropped.
    """
    transport = _transport(refuse)
    connect = app.connection_for_read

    def connection_for_read(*args: Any, **kwargs: Any) -> Any:
        connection = connect(*args, **kwargs)
        connection.transport_cls = transport
        return connection

    app.connection_for_read = connection_for_read


def hint_in(message: object, *, queue_name: str) -> dict[str, Any] | None:
    """Make the hint that a message stands for, or None: of what was sent nothing but the name of the task is used."""
    headers = message.get("headers") if isinstance(message, dict) else None
    if not isinstance(headers, dict) or headers.get("task") != queue.TASK:
        return None
    name = str(uuid.uuid4())
    return {
        "body": _NOTHING,
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"lang": "py", "task": queue.TASK, "id": name},
        "properties": {
            "correlation_id": name,
            "delivery_tag": str(uuid.uuid4()),
            "delivery_info": {"exchange": "", "routing_key": queue_name},
            "body_encoding": "base64",
        },
    }


def is_wrong_type(error: ResponseError) -> bool:
    """Say whether Redis refused a command because the key holds something else than it is for."""
    return "WRONGTYPE" in str(error)  # in a pipeline it comes after the words of the command


def _transport(refuse: Callable[[], None]) -> type[Any]:
    """Make kombu's Redis transport with a door: nothing gets from a queue to Celery but by `_deliver`."""

    class Channel(kombu_redis.Channel):
        def _brpop_read(self, **options: Any) -> Any:
            self.connection.delivering = False
            try:
                return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
            except ResponseError as error:
                if self.connection.delivering or not is_wrong_type(error):
                    raise
                return self._look_blindly()
            except (OSError, RedisError, Empty):
                raise
            except Exception:
                if self.connection.delivering:
                    raise
                refuse()  # not even JSON; it has left the queue already
                return None

        def _look_blindly(self) -> bool:
            for name in self.active_queues:
                if not self.connection.blind:
                    self.connection.blind = True
                    _log.error(
                        "expected a list of hints at the key %s of Redis, got a %s: looking for jobs every %.0f s "
                        "until it is renamed or deleted",
                        name, queue.type_of(self.client, name), BLIND_SECONDS,
                    )  # fmt: skip
                time.sleep(BLIND_SECONDS)
                self.connection._deliver(_HINT, name)
            return True

        def _size(self, name: str) -> int:
            """Count what waits, which Celery asks for as it begins."""
            try:
                return int(super()._size(name))  # type: ignore[no-untyped-call]
            except ResponseError as error:
                if not is_wrong_type(error):
                    raise
                return 0

    class Transport(kombu_redis.Transport):
        blind = False
        """Whether it was told that the queue cannot be read."""
        delivering = False
        """Whether a message was understood, so that what is raised is no fault of its own."""

        def _deliver(self, message: object, queue_name: str) -> None:
            hint = hint_in(message, queue_name=queue_name)
            if hint is None:
                refuse()
                return
            self.blind = self.blind and message is _HINT
            self.delivering = True
            super()._deliver(hint, queue_name)  # type: ignore[no-untyped-call]

    Transport.Channel = Channel
    return Transport

"""Hints: messages that carry no job and only say *look* to the slots of one kind; knows no database."""

from collections.abc import Mapping

from celery import Celery
from kombu.exceptions import KombuError
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from jobs import broker

TASK = "winnow.look"
FAILURES = (KombuError, RedisError, OSError)


def queue_name(slot_kind: str) -> str:
    """Name the queue of a kind of slot."""
    return f"winnow.{slot_kind}"


def celery_app(redis_url: str) -> Celery:
    """Make the Celery application that both ends use."""
    app = Celery("winnow", broker=redis_url, set_as_current=False)
    app.conf.update(
        # At the defaults, publishing to a frozen broker blocks without bound.
        broker_transport_options={
            "socket_timeout": broker.TIMEOUT_SECONDS,
            "socket_connect_timeout": broker.TIMEOUT_SECONDS,
            "max_retries": 0,  # one try: each costs a timeout, and a sweep sends the hint later anyway
        },
        # No pool: a pooled connection can be dead without anybody knowing, and a full pool waits for ever.
        broker_pool_limit=None,
        broker_connection_retry_on_startup=True,
        task_ignore_result=True,
        # Redis cannot acknowledge: with late acks an hour's job is delivered again while it runs.
        task_acks_late=False,
        # A hint that waits behind a running job keeps a free slot of its kind waiting.
        worker_disable_prefetch=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        accept_content=["json"],
    )
    return app


def send_hint(app: Celery, slot_kind: str) -> bool:
    """Say *look* to the slots of a kind, and say whether the broker took it; a sweep makes up for what it did not.

    Never raises for a broker that is away, and takes 2 s at most when it is frozen.
    """
    try:
        app.send_task(TASK, queue=queue_name(slot_kind), retry=False, ignore_result=True)
    except FAILURES:
        return False
    return True


def waiting(redis_url: str, slot_kind: str) -> int | None:
    """Count the hints in the queue of a kind of slot, or None when the broker is away.

    Raises:
        redis.exceptions.ResponseError: Something else than a queue lies at its key.
    """
    try:
        with broker.client(redis_url) as client:
            # The Redis transport keeps a queue as a list of that name.
            return int(client.llen(queue_name(slot_kind)))
    except ResponseError:
        raise
    except FAILURES:
        return None


def type_of(client: Redis, key: str) -> str:
    """Say what a key holds, in Redis's word: `list` for a queue, `none` for an empty one.

    Raises:
        redis.exceptions.RedisError: Redis is away.
    """
    word = client.type(key)
    return word.decode() if isinstance(word, bytes) else word


def top_up(app: Celery, redis_url: str, wanted: Mapping[str, int]) -> int:
    """Send the hints that are missing from each kind's queue and give how many the broker took."""
    sent = 0
    for slot_kind, count in wanted.items():
        try:
            there = waiting(redis_url, slot_kind)
        except ResponseError:  # its key holds no list: its slots look without hints
            continue
        if there is None:
            break
        for _ in range(count - there):
            if not send_hint(app, slot_kind):
                return sent
            sent += 1
    return sent

"""Nudges through Redis pub/sub: something about a job has changed, look into the database; may be lost."""

from collections.abc import AsyncIterator, Iterator

from redis.exceptions import RedisError

from jobs import broker

CHANGED = "winnow.changed"
"""For readers: a job's record or log has grown."""
ORDERED = "winnow.ordered"
"""For workers: a client wants a job stopped."""


def nudge(redis_url: str, channel: str, job_id: str) -> bool:
    """Tell whoever listens that there is something about a job, and say whether Redis took it.

    Never raises for a Redis that is away: everybody who listens also looks now and then.
    """
    try:
        with broker.client(redis_url) as client:
            client.publish(channel, job_id)
    except (RedisError, OSError):
        return False
    return True


def listen(redis_url: str, channel: str, *, every_seconds: float) -> Iterator[str | None]:
    """Give the ids of jobs there is something about, and None after `every_seconds` of silence.

    Raises:
        redis.exceptions.RedisError: The connection was lost; listen anew.
    """
    with broker.client(redis_url) as client, client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(channel)
        while True:
            message = subscription.get_message(timeout=every_seconds)
            yield None if message is None else message["data"].decode(errors="replace")


async def listen_async(redis_url: str, channel: str, *, every_seconds: float) -> AsyncIterator[str | None]:
    """Do what `listen` does, on an event loop."""
    async with broker.async_client(redis_url) as client, client.pubsub(ignore_subscribe_messages=True) as subscription:
        await subscription.subscribe(channel)
        while True:
            message = await subscription.get_message(timeout=every_seconds)
            yield None if message is None else message["data"].decode(errors="replace")

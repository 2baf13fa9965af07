"""How to reach Redis with the redis client itself; every wait is bounded."""

from typing import Any

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_SECONDS = 2.0
_SOCKET = "redis+socket"


def client(url: str) -> "redis.Redis":
    """Make a client for a URL as Celery takes it: `redis://…`, `rediss://…` or `redis+socket://:password@/path`.

    It connects when it is first used, and no command takes longer than two timeouts.
    """
    return redis.Redis.from_url(_as_redis_url(url), **_bounded())


def async_client(url: str) -> "redis.asyncio.Redis":
    """Make the same client for an event loop."""
    return redis.asyncio.Redis.from_url(_as_redis_url(url), **_bounded())


def _bounded() -> dict[str, Any]:
    return {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }


def _as_redis_url(url: str) -> str:
    """Write kombu's name of a unix socket as redis-py's."""
    # By hand: urlunsplit drops the slashes of an address without a password.
    return url.replace(f"{_SOCKET}://", "unix://", 1) if url.startswith(f"{_SOCKET}://") else url

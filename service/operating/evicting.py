"""Refuses a Redis that throws away what it was given when its memory runs out; one that is away is not judged."""

import logging

from redis.exceptions import RedisError

from jobs import broker
from service.operating.listening import RefusedError

KEEPS_EVERYTHING = "noeviction"

_log = logging.getLogger(__name__)


def policy_of(redis_url: str) -> str | None:
    """Ask a Redis or Valkey server what it does when its memory runs out; None where it does not say.

    Raises:
        RedisError, OSError: It cannot be reached.
    """
    with broker.client(redis_url) as client:
        policy = client.info("memory").get("maxmemory_policy")
    return None if policy is None else str(policy)


def refuse_evicting(redis_url: str) -> None:
    """See that a Redis loses no hint and no nudge by itself.

    It may be away: jobs are accepted and run without it, only later.

    Raises:
        RefusedError: Its policy evicts.
    """
    try:
        policy = policy_of(redis_url)
    except (RedisError, OSError) as error:
        _log.warning("Redis does not answer yet (%s): it was not asked for its policy", type(error).__name__)
        return
    if policy not in (None, KEEPS_EVERYTHING):
        raise RefusedError(
            f"expected a Redis with maxmemory-policy {KEEPS_EVERYTHING}, got {policy}: it would throw away what waits "
            f"in its queues; set `maxmemory-policy {KEEPS_EVERYTHING}`"
        )

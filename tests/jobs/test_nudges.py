"""jobs.nudges: whoever listens hears of a job at once, and a Redis that is away costs only that."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import RedisError

from jobs.nudges import CHANGED, ORDERED, listen, listen_async, nudge

if TYPE_CHECKING:
    from tests.jobs.conftest import PrivateRedis

pytestmark = pytest.mark.processes
QUIET = 0.05


def test_a_listener_hears_of_the_job(private_redis: PrivateRedis) -> None:
    heard = listen(private_redis.url, ORDERED, every_seconds=QUIET)
    assert next(heard) is None
    assert nudge(private_redis.url, ORDERED, "job_1")
    assert next(job_id for job_id in heard if job_id) == "job_1"


def test_a_listener_on_an_event_loop_hears_of_the_job(private_redis: PrivateRedis) -> None:
    async def hear() -> str:
        heard = listen_async(private_redis.url, CHANGED, every_seconds=QUIET)
        assert await anext(heard) is None
        assert await asyncio.to_thread(nudge, private_redis.url, CHANGED, "job_1")
        async for job_id in heard:
            if job_id:
                return job_id
        raise AssertionError("the nudges ended")

    assert asyncio.run(hear()) == "job_1"


def test_the_two_channels_do_not_hear_each_other(private_redis: PrivateRedis) -> None:
    heard = listen(private_redis.url, CHANGED, every_seconds=QUIET)
    assert next(heard) is None
    nudge(private_redis.url, ORDERED, "job_1")
    nudge(private_redis.url, CHANGED, "job_2")
    assert next(job_id for job_id in heard if job_id) == "job_2"


def test_nudging_a_dead_redis_says_so_at_once(private_redis: PrivateRedis) -> None:
    private_redis.kill()
    began = time.monotonic()
    assert not nudge(private_redis.url, CHANGED, "job_1")
    assert time.monotonic() - began < 1


def test_nudging_a_frozen_redis_takes_two_seconds_and_no_more(private_redis: PrivateRedis) -> None:
    private_redis.freeze()
    began = time.monotonic()
    assert not nudge(private_redis.url, CHANGED, "job_1")
    took = time.monotonic() - began
    private_redis.thaw()
    assert took < 3


def test_a_listener_is_told_when_its_connection_is_lost(private_redis: PrivateRedis) -> None:
    heard = listen(private_redis.url, CHANGED, every_seconds=QUIET)
    assert next(heard) is None
    private_redis.kill()
    with pytest.raises((RedisError, OSError)):
        list(heard)

"""jobs.waiting.queue: hints reach a real broker, and a broker that is frozen or dead costs no more than two seconds."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from jobs import broker
from jobs.waiting.queue import celery_app, send_hint, top_up, type_of, waiting

if TYPE_CHECKING:
    from tests.jobs.conftest import PrivateRedis

pytestmark = pytest.mark.processes


def test_a_hint_waits_in_the_queue_of_its_kind_alone(private_redis: PrivateRedis) -> None:
    app = celery_app(private_redis.url)
    assert send_hint(app, "cpu")
    assert [waiting(private_redis.url, kind) for kind in ("cpu", "gpu", "inspect")] == [1, 0, 0]


def test_a_hint_is_told_to_a_worker_that_looks_for_it(private_redis: PrivateRedis) -> None:
    app = celery_app(private_redis.url)
    send_hint(app, "inspect")
    with app.connection_for_read() as connection, connection.SimpleQueue("winnow.inspect") as queue:
        message = queue.get(timeout=5)
        assert message.headers["task"] == "winnow.look"
        assert message.decode()[:2] == [[], {}]
        message.ack()


def test_a_dead_broker_is_told_at_once(private_redis: PrivateRedis) -> None:
    app = celery_app(private_redis.url)
    send_hint(app, "cpu")
    private_redis.kill()
    began = time.monotonic()
    assert not send_hint(app, "cpu")
    assert time.monotonic() - began < 1


def test_a_frozen_broker_costs_two_seconds_and_no_more(private_redis: PrivateRedis) -> None:
    app = celery_app(private_redis.url)
    send_hint(app, "cpu")
    private_redis.freeze()
    began = time.monotonic()
    assert not send_hint(app, "cpu")
    took = time.monotonic() - began
    private_redis.thaw()
    assert took < 3


def test_many_requests_at_once_do_not_queue_up_behind_a_frozen_broker(private_redis: PrivateRedis) -> None:
    app = celery_app(private_redis.url)
    send_hint(app, "cpu")
    private_redis.freeze()
    began = time.monotonic()
    with ThreadPoolExecutor(20) as threads:
        taken = list(threads.map(lambda _: send_hint(app, "cpu"), range(20)))
    took = time.monotonic() - began
    private_redis.thaw()
    assert not any(taken)
    assert took < 3


def test_a_broker_that_came_back_takes_hints_again(private_redis: PrivateRedis) -> None:
    app = celery_app(private_redis.url)
    private_redis.freeze()
    assert not send_hint(app, "cpu")
    private_redis.thaw()
    assert send_hint(app, "cpu")


def test_topping_up_sends_only_what_is_missing(private_redis: PrivateRedis) -> None:
    app = celery_app(private_redis.url)
    send_hint(app, "cpu")
    assert top_up(app, private_redis.url, {"cpu": 3, "inspect": 1}) == 3
    assert [waiting(private_redis.url, kind) for kind in ("cpu", "inspect")] == [3, 1]
    assert top_up(app, private_redis.url, {"cpu": 3, "inspect": 1}) == 0


def test_topping_up_passes_over_a_key_that_is_no_queue(private_redis: PrivateRedis) -> None:
    app = celery_app(private_redis.url)
    with broker.client(private_redis.url) as client:
        client.set("winnow.cpu", "somebody else's")
        assert top_up(app, private_redis.url, {"cpu": 3, "inspect": 1}) == 1
        assert type_of(client, "winnow.inspect") == "list"
        assert type_of(client, "winnow.cpu") == "string"


def test_topping_up_a_dead_broker_sends_nothing(private_redis: PrivateRedis) -> None:
    app = celery_app(private_redis.url)
    private_redis.kill()
    assert waiting(private_redis.url, "cpu") is None
    assert top_up(app, private_redis.url, {"cpu": 3}) == 0

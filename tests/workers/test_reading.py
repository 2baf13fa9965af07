"""workers.reading: a hint is known by its task alone; whatever else is read does no harm and is counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st

from jobs import broker
from jobs.waiting import queue
from service.operating.embedded import PrivateRedis, find_server
from workers.app import application
from workers.reading import Refusals, hint_in, read_hints_alone

LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.just(queue.TASK)
NAMES = st.sampled_from(["headers", "properties", "body", "task", "id"]) | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=20)


@given(JSON)
def test_whatever_names_the_task_is_a_hint_and_nothing_else_is(message: Any) -> None:
    headers = message.get("headers") if isinstance(message, dict) else None
    names_it = isinstance(headers, dict) and headers.get("task") == queue.TASK
    assert (hint_in(message, queue_name="winnow.cpu") is not None) == names_it


@given(JSON, JSON, JSON)
def test_of_a_hint_nothing_but_its_task_is_used(body: Any, more: Any, properties: Any) -> None:
    sent = {"headers": {"task": queue.TASK, "id": more, "eta": more}, "body": body, "properties": properties}
    made, usual = hint_in(sent, queue_name="q"), hint_in({"headers": {"task": queue.TASK}}, queue_name="q")
    assert made is not None
    assert usual is not None
    for message in (made, usual):
        del message["headers"]["id"], message["properties"]["correlation_id"], message["properties"]["delivery_tag"]
    assert made == usual


def test_what_is_taken_is_counted_no_more() -> None:
    refusals = Refusals()
    refusals.add()
    refusals.add(2)
    assert [refusals.take(), refusals.take()] == [3, 0]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[PrivateRedis]:
    redis = PrivateRedis(find_server(), tmp_path)
    process = redis.start()
    try:
        redis.wait()
        yield redis
    finally:
        process.kill()
        process.wait()
        redis.remove_socket()


def drained(app: Celery, name: str) -> list[Any]:
    """Read a queue until it is empty, and give what came through."""
    came: list[Any] = []
    with app.connection_for_read() as connection, connection.Consumer(connection.SimpleQueue(name).queue) as consumer:
        consumer.on_message = lambda message: (came.append(message.headers["task"]), message.ack())
        for _ in range(20):
            try:
                connection.drain_events(timeout=0.5)
            except TimeoutError:
                break
    return came


def test_what_is_sent_beside_hints_is_dropped_and_the_hints_come_through(redis: PrivateRedis) -> None:
    refusals = Refusals()
    app = application(redis.url, lambda: None)
    read_hints_alone(app, refusals.add)
    with broker.client(redis.url) as client:
        for strange in (b"\xff", b"{", b"[]", b'{"headers": 7}', json.dumps({"headers": {"task": "os.system"}})):
            client.lpush("winnow.cpu", strange)
            assert queue.send_hint(queue.celery_app(redis.url), "cpu")
        assert drained(app, "winnow.cpu") == [queue.TASK] * 5
        assert client.llen("winnow.cpu") == 0
    assert refusals.take() == 5

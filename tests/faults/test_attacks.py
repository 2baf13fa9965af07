"""B15: what a hostile child tries succeeds without the sandbox, else it proves nothing, and is refused within it."""

from __future__ import annotations

import json
import os
import runpy
import secrets
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from jobs import broker
from service.operating.embedded import PrivateRedis, find_server
from workers import landlock
from workers.bell import Bell
from workers.child import Child
from workers.protocol import MAX_EVENT_BYTES
from workers.sandbox import Errand, Limits, Sandbox

if TYPE_CHECKING:
    from tests.faults.conftest import House

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        landlock.abi() == 0 and "WINNOW_REQUIRE_SANDBOX" not in os.environ, reason="this kernel has no Landlock"
    ),
]

HERE = Path(__file__).parent
attacks = SimpleNamespace(**runpy.run_path(str(HERE / "attacks.py")))


@dataclass
class Victims:
    """Everything an attack may be aimed at, and what became of it."""

    home: Path
    secret: str
    redis: PrivateRedis
    redis_process: subprocess.Popen[bytes]
    other: subprocess.Popen[bytes]
    """Another job's process."""
    tcp: socket.socket
    udp: socket.socket
    unix: socket.socket
    abstract: socket.socket
    supervisor_status: int | None = None

    @property
    def database(self) -> Path:
        return self.home / "winnow.db"

    @property
    def folder(self) -> Path:
        return self.home / "attempts" / "mine"

    @property
    def other_folder(self) -> Path:
        return self.home / "attempts" / "other"

    @property
    def log(self) -> str:
        return self.folder.with_suffix(".log").read_text()

    def addresses(self) -> dict[str, Any]:
        password = self.redis.url.split("@")[0].rpartition(":")[2]
        return {
            "database": str(self.database),
            "other_folder": str(self.other_folder),
            "other_pid": self.other.pid,
            "redis": str(self.redis.socket),
            "redis_pid": self.redis_process.pid,
            "password": password,
            "tcp": self.tcp.getsockname(),
            "udp": self.udp.getsockname(),
            "unix": self.unix.getsockname(),
            "abstract": self.abstract.getsockname()[1:].decode(),
        }

    def attacked(self, source: str, *, level: str, abi: int) -> None:
        """Run an attack under a supervisor of its own, to the end of both."""
        command = [sys.executable, "-I", "-c", attacks.PREAMBLE + source, json.dumps(self.addresses())]
        run = [sys.executable, str(HERE / "mini_supervisor.py"), level, str(abi), str(self.folder), json.dumps(command)]
        env = {**os.environ, "SECRET": self.secret, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.supervisor_status = subprocess.run(run, env=env, timeout=60, check=False).returncode
        assert (self.folder / "out" / "attacking").exists(), self.log

    def printed_secret(self) -> bool:
        return self.secret in self.log

    def received(self, listener: socket.socket) -> bool:
        """Say whether a listener was sent the attacker's word."""
        if not select.select([listener], [], [], 0.2)[0]:
            return False
        if listener.type == socket.SOCK_DGRAM:
            return listener.recv(100) == b"owned"
        connection, _ = listener.accept()
        with connection:
            return connection.recv(100) == b"owned"

    def redis_owned(self) -> bool:
        with broker.client(self.redis.url) as client:
            return client.get("owned") is not None

    def survivor(self) -> int | None:
        """Find the process an attacker left behind."""
        told = self.folder / "out" / "survivor"
        if not told.exists():
            return None
        pid = int(told.read_text())
        return pid if Path(f"/proc/{pid}").exists() else None


def died(process: subprocess.Popen[bytes]) -> bool:
    try:
        return process.wait(0.5) == -signal.SIGKILL
    except subprocess.TimeoutExpired:
        return False


Succeeded = Callable[[Victims], object]
ATTACKS: dict[str, tuple[str, Succeeded]] = {
    "read the data folder": (attacks.READ_DATABASE, Victims.printed_secret),
    "write the data folder": (attacks.WRITE_DATABASE, lambda v: "owned" in v.database.read_text()),
    "empty a file of the data folder": (attacks.EMPTY_DATABASE, lambda v: v.database.stat().st_size == 0),
    "lock the worker out": (attacks.LOCK_OUT, lambda v: v.database.stat().st_mode & 0o777 == 0),
    "a link in out": (attacks.THROUGH_A_LINK, lambda v: (v.folder / "out/link").is_symlink()),
    "a hard link in out": (attacks.THROUGH_A_HARD_LINK, lambda v: v.database.stat().st_nlink > 1),
    "read another job's folder": (attacks.READ_OTHER_JOB, Victims.printed_secret),
    "write another job's folder": (attacks.WRITE_OTHER_JOB, lambda v: (v.other_folder / "out/report.json").exists()),
    "read the parent's environment": (attacks.READ_ENVIRONMENT, Victims.printed_secret),
    "through Redis": (attacks.REDIS, Victims.redis_owned),
    "TCP out": (attacks.TCP, lambda v: v.received(v.tcp)),
    "TCP in": (attacks.TCP_LISTEN, lambda v: (v.folder / "out/port").exists()),
    "UDP": (attacks.UDP, lambda v: v.received(v.udp)),
    "a unix socket": (attacks.UNIX, lambda v: v.received(v.unix)),
    "an abstract unix socket": (attacks.ABSTRACT, lambda v: v.received(v.abstract)),
    "kill the supervisor": (attacks.KILL_SUPERVISOR, lambda v: v.supervisor_status == -signal.SIGKILL),
    "kill Redis": (attacks.KILL_REDIS, lambda v: died(v.redis_process)),
    "kill another job": (attacks.KILL_OTHER_JOB, lambda v: died(v.other)),
    "kill another job's thread": (attacks.KILL_THREAD_OF_OTHER_JOB, lambda v: died(v.other)),
    "starve another job": (attacks.STARVE_OTHER_JOB, lambda v: limit_of_open_files(v.other.pid) == 3),
    "outlive the job": (attacks.OUTLIVE, Victims.survivor),
    "start a shell": (attacks.SHELL, lambda v: (v.folder / "out/shell").exists()),
}


def limit_of_open_files(pid: int) -> int:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Max open files")).split()[3])


@contextmanager
def victims_in(home: Path) -> Iterator[Victims]:
    """Make a fresh set of victims; whatever is left of them is ended."""
    secret = secrets.token_hex(16)
    for folder in ("mine/tmp", "mine/out", "other/out"):
        (home / "attempts" / folder).mkdir(parents=True)
    (home / "winnow.db").write_text(secret)
    (home / "attempts/other/recipe.json").write_text(secret)
    with ExitStack() as stack:
        redis = PrivateRedis(find_server(), home / "redis")
        stack.callback(redis.remove_socket)
        redis_process = stack.enter_context(redis.start())
        stack.callback(redis_process.kill)
        redis.wait()
        other = stack.enter_context(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]))
        stack.callback(other.kill)
        listeners = {}
        for name, family, kind, address in (
            ("tcp", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            ("udp", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            ("unix", socket.AF_UNIX, socket.SOCK_STREAM, str(redis.socket.with_name("victim"))),
            ("abstract", socket.AF_UNIX, socket.SOCK_STREAM, f"\0{secrets.token_hex(8)}"),
        ):
            listeners[name] = stack.enter_context(socket.socket(family, kind))
            listeners[name].bind(address)
            if kind == socket.SOCK_STREAM:
                listeners[name].listen()
        victims = Victims(home, secret, redis, redis_process, other, **listeners)
        try:
            yield victims
        finally:
            victims.database.chmod(0o600)
            if (pid := victims.survivor()) is not None:
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda name: name.replace(" ", "_"))
def test_an_attack_succeeds_without_the_sandbox_and_is_refused_within_it(attack: str, tmp_path: Path) -> None:
    source, succeeded = ATTACKS[attack]
    with victims_in(tmp_path / "off") as victims:
        victims.attacked(source, level="none", abi=0)
        assert succeeded(victims), f"the attack is worth nothing: it failed without a sandbox\n{victims.log}"
    # The newest Landlock, the last before it covered signals, and the first, which left most to the filter.
    for abi in sorted({landlock.abi(), min(5, landlock.abi()), 1}, reverse=True):
        with victims_in(tmp_path / f"abi{abi}") as victims:
            victims.attacked(source, level="landlock", abi=abi)
            assert not succeeded(victims), f"Landlock ABI {abi}: {victims.log}"


@pytest.mark.parametrize(
    "attack", ["through Redis", "TCP out", "UDP", "a unix socket", "kill another job", "outlive the job"]
)
def test_the_filter_alone_keeps_a_child_from_sockets_and_other_processes(attack: str, tmp_path: Path) -> None:
    source, succeeded = ATTACKS[attack]
    with victims_in(tmp_path / "home") as victims:
        victims.attacked(source, level="rlimits", abi=0)
        assert not succeeded(victims), victims.log


FORGED = b'{"type": "succeeded", "data": {}}\n'
FORGE = f"import os; os.write(3, {FORGED!r}); import time; time.sleep(600)"
ENDLESS = "import os\nwhile True: os.write(3, b'x' * 65536)"


def said_without_rules(source: str, folder: Path, *, up_to: int) -> bytes:
    """Read what a child says on descriptor 3 as it comes, with nobody to check it."""
    errand = Errand([sys.executable, "-I", "-c", source], folder, [], Limits(memory_bytes=None))
    said = b""
    with Bell() as bell, Child(Sandbox("none"), errand, log=folder / "log", bell=bell) as child:
        while len(said) < up_to and child.exit_status is None:
            said += child.wait(5)
    return said


def test_a_forged_state_event_reaches_the_supervisor_which_ends_the_child_and_fails_the_job(
    house: House, tmp_path: Path
) -> None:
    assert said_without_rules(FORGE, tmp_path, up_to=len(FORGED)) == FORGED
    house.child = [sys.executable, "-I", "-c", FORGE]
    house.start_slot()
    job_id = house.submit({})
    assert house.wait_for_end(job_id) == "failed"
    assert house.job(job_id).error["code"] == "protocol_violation"
    assert house.events(job_id, "succeeded") == []
    house.check(job_id, state="failed")


def test_an_endless_line_reaches_the_supervisor_which_ends_the_child_and_fails_the_job(
    house: House, tmp_path: Path
) -> None:
    endless = said_without_rules(ENDLESS, tmp_path, up_to=2 * MAX_EVENT_BYTES)
    assert len(endless) > MAX_EVENT_BYTES
    assert b"\n" not in endless
    house.child = [sys.executable, "-I", "-c", ENDLESS]
    house.start_slot()
    job_id = house.submit({})
    assert house.wait_for_end(job_id, seconds=15) == "failed"
    assert house.job(job_id).error["code"] == "protocol_violation"
    house.check(job_id, state="failed")

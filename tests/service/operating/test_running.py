"""service.operating.running: one command starts everything, one signal ends it, nothing is left and nothing is lost."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from jobs import tables
from jobs.database import Database
from jobs.making.enqueueing import enqueue
from jobs.settings import Settings
from service.operating.embedded import private_redis
from workers import landlock

if TYPE_CHECKING:
    from tests.databases import Backend

pytestmark = pytest.mark.processes

STAND_IN = (Path(__file__).parents[2] / "faults" / "stand_in.py").read_text()
CHILD = json.dumps([sys.executable, "-I", "-c", STAND_IN])
SHORT = {"LEASE_TTL_SECONDS": "3", "BEAT_SECONDS": "0.5", "SWEEP_SECONDS": "0.5", "GRACE_SECONDS": "5"}
LEVEL = os.environ.get("WINNOW_REQUIRE_SANDBOX") or ("landlock" if landlock.abi() else "rlimits")
"""How jobs must be held: what continuous integration asks for, else the best this kernel can do."""
RECIPE = {"levels": 3, "steps": 10, "step_seconds": 0.1}
WHATEVER_IT_STANDS_ON = pytest.mark.backends("sqlite")
"""On a test that no database decides."""


def until(true: Callable[[], Any], *, seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def children_of(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    try:
        return [int(child) for path in lists for child in path.read_text().split()]
    except OSError:
        return []


def start_of(pid: int) -> str | None:
    """Say when a process started, which tells it from a later one of its number; None when it does not run."""
    try:
        shown = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if shown[0] == "Z" else shown[19]


class Service:
    """`winnow-server up` on a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.database = Database.open(Settings(home=home).database)
        self.process: subprocess.Popen[str] | None = None
        self._seen: set[tuple[int, str]] = set()

    def start(self, *options: str) -> str:
        """Start it and give its address once it answers."""
        ready = self.home.with_name("ready.json")
        ready.unlink(missing_ok=True)
        self.process = command("up", "--home", str(self.home), "--port", "0", "--slots", "cpu=1", "--child", CHILD,
                               "--ready-file", str(ready), *options)  # fmt: skip
        until(lambda: ready.exists() or self.process is None or self.process.poll() is not None)
        assert ready.exists(), self.said()
        self.processes()
        return str(json.loads(ready.read_text())["url"])

    def said(self) -> str:
        assert self.process is not None
        output, _ = self.process.communicate(timeout=60)
        return output

    def end(self, how: signal.Signals) -> tuple[int, str]:
        """Send a signal and give the exit status and what was said."""
        assert self.process is not None
        self.process.send_signal(how)
        said = self.said()
        return self.process.returncode, said

    def submit(self, recipe: Mapping[str, Any]) -> str:
        with self.database.write() as conn:
            return enqueue(conn, tenant="default", kind="search", search="iterative", resolved_recipe=dict(recipe))

    def job(self, job_id: str) -> Any:
        with self.database.read() as conn:
            return conn.execute(select(tables.job).where(tables.job.c.id == job_id)).one()

    def processes(self) -> list[int]:
        """List the processes it has running, itself among them; `alive` remembers them."""
        assert self.process is not None
        found = [self.process.pid]
        for pid in found:
            found += [child for child in children_of(pid) if child not in found]
        self._seen |= {(pid, started) for pid in found if (started := start_of(pid)) is not None}
        return found

    def alive(self) -> list[int]:
        """List those of its processes, as `processes` has seen them, that still run."""
        return [pid for pid, started in self._seen if start_of(pid) == started]

    def redis(self) -> int:
        """Find the private Redis."""
        assert self.process is not None
        (found,) = [p for p in children_of(self.process.pid) if b"redis" in Path(f"/proc/{p}/cmdline").read_bytes()]
        return found

    def redis_socket(self) -> Path:
        shown = Path(f"/proc/{self.redis()}/cmdline").read_text()
        return Path(shown.partition("unixsocket:")[2].strip(" \0"))


def command(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    program = "from service.command import main; main()"
    env = {**os.environ, **{f"WINNOW_{name}": value for name, value in SHORT.items()}, **environment}
    env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def refused(*arguments: str) -> str:
    """Run a command that must refuse, and give its one line."""
    process = command(*arguments)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2, said
    return said


@pytest.fixture
def home(tmp_path: Path, backend: "Backend", monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder whose database, of either kind, every command is told of."""
    monkeypatch.setenv("WINNOW_DATABASE_URL", backend.at(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def service(home: Path) -> Iterator[Service]:
    service = Service(home)
    with closing(service.database):
        yield service
        if service.process is not None and service.process.poll() is None:
            service.end(signal.SIGTERM)
    until(lambda: service.alive() == [])


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_the_page_is_and_one_signal_ends_all_of_it(how: signal.Signals, service: Service) -> None:
    url = service.start()
    socket_folder = service.redis_socket().parent
    with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
        assert answer.status == 200
    assert len(service.processes()) >= 3
    status, said = service.end(how)
    assert status == 0, said
    assert f"Winnow is at {url}" in said
    assert f"sandbox level {LEVEL}" in said
    assert service.alive() == []
    assert not socket_folder.exists()


def test_it_goes_on_where_it_left_off_with_nothing_lost(service: Service) -> None:
    service.start()
    job_id = service.submit(RECIPE)
    until(lambda: service.job(job_id).state == "running")
    assert service.end(signal.SIGTERM)[0] == 0
    stopped = service.job(job_id)
    assert (stopped.state, stopped.strikes) == ("queued", 0)
    service.start()
    until(lambda: service.job(job_id).state == "succeeded")
    assert service.end(signal.SIGTERM)[0] == 0


def test_killed_outright_it_leaves_no_process_and_can_be_started_again(service: Service) -> None:
    service.start()
    job_id = service.submit(RECIPE)
    until(lambda: service.job(job_id).state == "running")
    service.processes()
    socket_folder = service.redis_socket().parent
    service.end(signal.SIGKILL)
    until(lambda: service.alive() == [], seconds=5)
    service.start()
    assert not socket_folder.exists()
    until(lambda: service.job(job_id).state == "succeeded")
    assert service.job(job_id).attempt == 2


@WHATEVER_IT_STANDS_ON
def test_redis_comes_back_when_it_dies(service: Service) -> None:
    service.start()
    os.kill(service.redis(), signal.SIGKILL)
    job_id = service.submit(RECIPE)
    until(lambda: service.job(job_id).state == "succeeded")
    assert service.end(signal.SIGTERM)[0] == 0


def test_workers_alone_run_until_they_are_told_to_stop(home: Path, tmp_path: Path) -> None:
    migrating = command("migrate", "--home", str(home))
    assert (migrating.communicate(timeout=60)[0], migrating.returncode) == ("", 0)
    with private_redis(tmp_path / "redis") as url, closing(Database.open(Settings(home=home).database)) as database:
        workers = Service(home)
        workers.process = command("worker", "--home", str(home), "--slots", "cpu=1", WINNOW_REDIS_URL=url)
        with closing(workers.database):
            until(lambda: _slots(database) == 1)
            assert len(workers.processes()) == 2
            assert workers.end(signal.SIGTERM)[0] == 0
            assert (workers.alive(), _slots(database)) == ([], 0)


def _slots(database: Database) -> int:
    with database.read() as conn:
        return len(conn.execute(select(tables.slot.c.id)).all())


def test_workers_without_a_broker_are_refused(tmp_path: Path) -> None:
    assert "WINNOW_REDIS_URL" in refused("worker", "--home", str(tmp_path / "home"))


@WHATEVER_IT_STANDS_ON
def test_a_second_service_on_the_same_home_is_refused(service: Service) -> None:
    service.start()
    assert "in use" in refused("up", "--home", str(service.home), "--port", "0")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
@pytest.mark.parametrize("verb", ["up", "api"])
def test_an_address_others_can_reach_is_refused_with_the_reason(verb: str, host: str, tmp_path: Path) -> None:
    said = refused(verb, "--home", str(tmp_path / "home"), "--host", host)
    assert "there is no API key yet" in said
    assert not (tmp_path / "home").exists()


@WHATEVER_IT_STANDS_ON
def test_with_a_key_it_listens_anywhere_and_asks_for_it(service: Service, tmp_path: Path) -> None:
    url = service.start()
    code, said = service.end(signal.SIGTERM)
    assert code == 0
    assert "keys: none yet, so that everyone on this machine may do everything" in said
    assert "there is no API key yet" in refused("up", "--home", str(service.home), "--host", "0.0.0.0", "--port", "0")
    made = command("keys", "create", "--home", str(service.home), "--tenant", "ada", "--scope", "read")
    secret = re.findall(r"wn_\S+", made.communicate(timeout=60)[0])[0]
    url = service.start("--host", "0.0.0.0").replace("0.0.0.0", "127.0.0.1")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{url}/v1/jobs", timeout=10)
    asked = urllib.request.Request(f"{url}/v1/jobs", headers={"Authorization": f"Bearer {secret}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 200
    code, said = service.end(signal.SIGTERM)
    assert (code, "keys: needed" in said) == (0, True)
    assert secret not in said
    assert not any(secret.encode() in file.read_bytes() for file in service.home.rglob("*") if file.is_file())


def test_a_home_that_jobs_could_read_is_refused_and_not_made() -> None:
    home = Path(sys.prefix) / "winnow-home-of-a-test"
    assert "outside every folder" in refused("up", "--home", str(home), "--port", "0")
    assert not home.exists()


@WHATEVER_IT_STANDS_ON
def test_a_port_in_use_is_told(service: Service) -> None:
    port = service.start().rpartition(":")[2]
    said = refused("up", "--home", str(service.home.with_name("other")), "--port", port, "--slots", "none")
    assert f"port {port}" in said


def test_the_doctor_looks_at_what_the_service_stands_on(tmp_path: Path) -> None:
    process = command("doctor", "--home", str(tmp_path / "home"))
    said, _ = process.communicate(timeout=60)
    for what in ("sandbox", "database", "Redis", "blobs", "disk"):
        assert f"ok    {what}" in said
    assert f"{'ok   ' if LEVEL == 'landlock' else 'WRONG'} sandbox: level {LEVEL}" in said
    assert process.returncode == (0 if LEVEL == "landlock" else 1)


def test_the_status_counts_jobs_and_lists_slots(service: Service) -> None:
    service.start()
    job_id = service.submit(RECIPE | {"levels": 0})
    until(lambda: service.job(job_id).state == "succeeded")
    said, _ = command("status", "--home", str(service.home)).communicate(timeout=60)
    assert "succeeded: 1" in said
    assert ":cpu-0:" in said
    assert f"live, {LEVEL}, " in said


@WHATEVER_IT_STANDS_ON
def test_readiness_tells_the_level_jobs_are_held_at(service: Service) -> None:
    url = service.start()

    def ready() -> Any:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as not_yet:
            not_yet.close()
            return None

    assert until(ready)["sandbox"] == LEVEL

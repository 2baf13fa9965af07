"""A whole house for one test: home, database, Redis and slots as real processes, and an oracle over what is left."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from jobs import counters, events, tables
from jobs.blobs import open_blobs
from jobs.database import Database
from jobs.making.creation import create_job, inputs_of
from jobs.making.enqueueing import enqueue
from jobs.making.submissions import JobSubmission, parse
from jobs.retrying import retried
from jobs.settings import Settings
from jobs.waiting import queue
from service.operating.embedded import PrivateRedis
from service.operating.slots import WORKERS, environment
from tests.redis_servers import beside
from ticketing.plans.parsing import resolve

if TYPE_CHECKING:
    from tests.databases import Backend

TICKETING = [sys.executable, "-I", "-m", "ticketing"]
STAND_IN = Path(__file__).with_name("stand_in.py").read_text()
SHORT = {
    "lease_ttl_seconds": 3.0,
    "beat_seconds": 0.5,
    "sweep_seconds": 0.5,
    "grace_seconds": 5.0,
    "retry_delay_seconds": 0.5,
}
DONE = ("succeeded", "failed", "cancelled")


def wait_until(true: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """Wait for something to become true, and give it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def processes_of_group(group: int) -> list[int]:
    """List the processes, zombies left out, whose session or parent chain leads to a process group's leader."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if group in (int(status[2]), int(status[3])) and status[0] != "Z":
            found.append(int(folder.name))
    return found


@dataclass
class House:
    """Everything one machine runs, in the hands of a test."""

    settings: Settings
    database: Database
    redis: PrivateRedis
    child: list[str]
    """Command of the slots' children."""
    redis_process: "subprocess.Popen[bytes] | None" = None
    slots: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    kinds: dict[int, str] = field(default_factory=dict)
    """Of each slot, by its process."""

    @staticmethod
    def wait_until(true: Callable[[], Any], *, seconds: float, what: str) -> Any:
        """Wait for something to become true, and give it."""
        return wait_until(true, seconds=seconds, what=what)

    def environment(self) -> dict[str, str]:
        """Give the environment of a process of this house, in which an operator would have set what all share."""
        secret = self.settings.s3_secret_access_key
        bucket = {
            "WINNOW_BLOB_URL": self.settings.blob_url,
            "WINNOW_S3_ENDPOINT": self.settings.s3_endpoint,
            "WINNOW_S3_ACCESS_KEY_ID": self.settings.s3_access_key_id,
            "WINNOW_S3_SECRET_ACCESS_KEY": None if secret is None else secret.get_secret_value(),
        }
        own = {name: value for name, value in bucket.items() if value is not None}
        short = {f"WINNOW_{name.upper()}": str(value) for name, value in SHORT.items()}
        return {**environment(self.settings, self.redis.url), **own, **short}

    def start_redis(self) -> None:
        self.redis_process = self.redis.start()
        self.redis.wait()

    def kill_redis(self) -> None:
        assert self.redis_process is not None
        self.redis_process.kill()
        self.redis_process.wait()
        self.redis_process = None

    def start_slot(self, kind: str = "cpu", index: int = 0, **more: str) -> "subprocess.Popen[bytes]":
        env = {**self.environment(), **more}
        command = [*WORKERS, "slot", "--kind", kind, "--index", str(index), "--child", json.dumps(self.child)]
        log = (self.settings.paths.logs / f"slot-{kind}-{index}.log").open("ab")
        with log:
            slot = subprocess.Popen(command, stdout=log, stderr=log, env=env, start_new_session=True)
        self.slots.append(slot)
        self.kinds[slot.pid] = kind
        return slot

    @contextmanager
    def api(self, **more: str) -> Iterator[str]:
        """Run the API alone, in a process of its own, and give its address."""
        ready = self.settings.home.with_name("ready.json")
        ready.unlink(missing_ok=True)  # of one that was killed
        program = "from service.command import main; main()"
        env = {**self.environment(), **more}
        env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        command = [sys.executable, "-c", program, "api", "--port", "0", "--ready-file", str(ready)]
        with subprocess.Popen(command, env=env) as process:
            try:
                wait_until(ready.exists, seconds=30, what="the API")
                yield json.loads(ready.read_text())["url"]
            finally:
                process.terminate()

    def wait_for_slots(self, count: int) -> None:
        def up() -> bool:
            with self.database.read() as conn:
                return len(conn.execute(select(tables.slot.c.id)).all()) >= count

        wait_until(up, seconds=30, what=f"{count} slots")

    def submit(self, recipe: Mapping[str, Any], *, hint: bool = True, **values: Any) -> str:
        @retried  # as the API does
        def write() -> str:
            with self.database.write() as conn:
                return enqueue(
                    conn, tenant="default", kind="search", search="iterative", resolved_recipe=dict(recipe), **values
                )

        job_id = write()
        if hint:
            self.hint()
        return job_id

    def submit_training(self, recipe: Mapping[str, Any], *, hidden: Sequence[int] = (32,)) -> str:
        """Write a job that trains a small network on digits, as the API would."""
        model = {"architecture": "mlp", "arguments": {"hidden": list(hidden)}, "seed": 1}
        body = {"model": model, "recipe": dict(recipe)}
        submission = parse(JobSubmission, body | {"dataset": {"uri": "builtin:digits"}})
        resolved = resolve(
            recipe, architecture="mlp", uploaded=False, weights="initial", device_kind="cpu", seed=recipe["seed"]
        )
        with self.database.write() as conn:
            model, dataset = inputs_of(conn, tenant="default", submission=submission, check_header=_no_upload)
            job_id = create_job(
                conn,
                tenant="default",
                submission=submission,
                model=model,
                dataset=dataset,
                resolved_recipe=resolved.model_dump(mode="json"),
                plan=None,
            )
        self.hint("inspect")
        return job_id

    def artifacts(self, job_id: str) -> dict[str, str]:
        """Give the digest of everything a job made, by name."""
        with self.database.read() as conn:
            rows = conn.execute(select(tables.artifact).where(tables.artifact.c.job_id == job_id)).all()
        return {row.name: row.sha256 for row in rows}

    def hint(self, kind: str = "cpu") -> bool:
        return queue.send_hint(queue.celery_app(self.redis.url), kind)

    def job(self, job_id: str) -> Any:
        with self.database.read() as conn:
            return conn.execute(select(tables.job).where(tables.job.c.id == job_id)).one()

    def events(self, job_id: str, word: str | None = None) -> list[dict[str, Any]]:
        with self.database.read() as conn:
            page = events.page(conn, tenant="default", job_id=job_id, limit=10_000)
        return [event for event in page if word is None or event["type"] == f"job.{word}"]

    def wait_for_event(self, job_id: str, word: str, *, count: int = 1, seconds: float = 30) -> list[dict[str, Any]]:
        def there() -> list[dict[str, Any]] | None:
            found = self.events(job_id, word)
            return found if len(found) >= count else None

        found: list[dict[str, Any]] = wait_until(there, seconds=seconds, what=f"{count} x {word}")
        return found

    def wait_for_end(self, job_id: str, *, seconds: float = 60) -> str:
        wait_until(lambda: self.job(job_id).state in DONE, seconds=seconds, what=f"the end of {job_id}")
        return str(self.job(job_id).state)

    def child_of(self, slot: "subprocess.Popen[bytes]", *, seconds: float = 10) -> int:
        """Find the process that a slot's job runs in, once it has become the child."""

        def runs_job(pid: str) -> bool:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            return b"launcher.py" not in command and b"/attempts/job_" in command

        def find() -> int | None:
            listed = Path(f"/proc/{slot.pid}/task/{slot.pid}/children").read_text().split()
            return next((int(pid) for pid in listed if runs_job(pid)), None)

        return int(wait_until(find, seconds=seconds, what="a child"))

    def freeze(self, slot: "subprocess.Popen[bytes]") -> None:
        """Stop a slot between its writes: in the middle of one it would hold the lock of SQLite that all share."""
        with self.database.write():
            slot.send_signal(signal.SIGSTOP)

    def printed_steps(self, job_id: str) -> list[str]:
        """List the steps that all attempts made together, by the children's logs, oldest attempt first."""
        logs = sorted(self.settings.paths.logs.glob(f"{job_id}-*.log"), key=lambda path: int(path.stem.split("-")[-1]))
        return [line for log in logs for line in log.read_text().splitlines() if line.startswith("step ")]

    def count(self, what: str) -> int:
        """Read a counter of the database."""
        with self.database.read() as conn:
            return counters.read(conn, tenant="default", name=what)

    def end_slots(self, *kinds: str) -> None:
        """End the slots of these kinds, or all."""
        ended = [slot for slot in self.slots if not kinds or self.kinds[slot.pid] in kinds]
        for slot in ended:
            if slot.poll() is None:
                slot.send_signal(signal.SIGCONT)
                slot.terminate()
        for slot in ended:
            try:
                slot.wait(20)
            except subprocess.TimeoutExpired:
                slot.kill()
                slot.wait()

    def check(self, job_id: str, *, state: str) -> None:
        """Hold a job that has ended against everything that must be true of it."""
        row = self.job(job_id)
        assert row.state == state, (row.state, row.error)
        told = self.events(job_id)
        assert [event["seq"] for event in told] == list(range(1, row.last_seq + 1))
        terminal = [event["type"] for event in told if event["type"] in events.DONE_TYPES]
        assert terminal == [f"job.{state}"]
        assert told[-1]["type"] == f"job.{state}"
        facts = [
            (e["type"], e["data"]["replicate"], e["data"]["level"])
            for e in told
            if e["type"] in ("job.mask_drawn", "job.level_completed")
        ]
        assert len(facts) == len(set(facts))
        attempts = [event["attempt"] for event in told]
        assert attempts == sorted(attempts)
        assert row.attempt == max(attempts)
        self._check_artifacts(job_id)

    def check_untaken(self, job_id: str, *, state: str) -> None:
        """Hold a job that ended before anybody took it against what must be true of it."""
        row = self.job(job_id)
        assert (row.state, row.attempt) == (state, 0)
        told = self.events(job_id)
        assert [event["seq"] for event in told] == list(range(1, row.last_seq + 1))
        assert [event["type"] for event in told if event["type"] in events.DONE_TYPES] == [f"job.{state}"]

    def _check_artifacts(self, job_id: str) -> None:
        blobs = open_blobs(self.settings)
        with self.database.read() as conn:
            artifacts = conn.execute(select(tables.artifact).where(tables.artifact.c.job_id == job_id)).all()
        for artifact in artifacts:
            with blobs.open(artifact.sha256) as file:
                assert hashlib.file_digest(file, "sha256").hexdigest() == artifact.sha256


@contextmanager
def mounted(folder: Path, *, megabytes: int) -> Iterator[None]:
    """Keep a folder on a small file system of its own; skips the test where none can be mounted."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    folder.chmod(0o711)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _no_upload(*_: object) -> None:
    raise AssertionError("nothing was uploaded")


@contextmanager
def opened(home: Path, child: list[str], *, database_url: str, **changes: Any) -> Iterator[House]:
    """Open a house; when the block ends nothing of it runs any more, and no attempt's folder is left."""
    settings = Settings.model_validate({"home": home, "database_url": database_url, **SHORT, **changes})
    settings.paths.make()
    with closing(Database.open(settings.database)) as database:
        redis = PrivateRedis(beside(database_url), settings.paths.redis)
        house = House(settings, database, redis, child)
        try:
            house.start_redis()
            yield house
        finally:
            house.end_slots()
            if house.redis_process is not None:
                house.kill_redis()
            redis.remove_socket()
        assert [pid for slot in house.slots for pid in processes_of_group(slot.pid)] == []
        # A probe that was killed is cleared away after ten minutes, by any slot.
        assert [path.name for path in settings.paths.attempts.iterdir() if path.name.startswith("job_")] == []


@pytest.fixture(scope="session")
def open_house(
    backend: "Backend", blob_settings: Callable[[Path], dict[str, Any]]
) -> Callable[..., AbstractContextManager[House]]:
    """Opens houses: `with open_house(home, child, **settings) as house`; one home has one database."""

    def open_one(home: Path, child: list[str], **changes: Any) -> AbstractContextManager[House]:
        return opened(home, child, **{"database_url": backend.at(home), **blob_settings(home), **changes})

    return open_one


@pytest.fixture
def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def stand_in() -> list[str]:
    """The command of a child that keeps the contract and trains nothing."""
    return [sys.executable, "-I", "-c", STAND_IN]


@pytest.fixture
def house(
    tmp_path: Path, open_house: Callable[..., AbstractContextManager[House]], stand_in: list[str]
) -> Iterator[House]:
    """A house whose slots, started by the test, run the stand-in for training."""
    with open_house(tmp_path / "home", stand_in) as house:
        yield house


@pytest.fixture(scope="session")
def open_training_house(
    open_house: Callable[..., AbstractContextManager[House]],
) -> Callable[[Path], AbstractContextManager[House]]:
    """Opens houses whose slots really train."""
    return lambda home: open_house(home, TICKETING)

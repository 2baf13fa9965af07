"""A real server on a free loopback port, a real database, a real Redis; every answer is held to /openapi.json."""

import hashlib
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import update

from jobs import slots, tables
from jobs.blobs import Blobs, Stored, open_blobs
from jobs.database import Database
from jobs.events import NewEvent
from jobs.leases import (
    Claim,
    NewArtifact,
    NewLevel,
    Succeeded,
    beat,
    claim,
    commit,
    finish,
    finish_inspection,
)
from jobs.nudges import CHANGED, nudge
from jobs.settings import Settings
from jobs.slots import SlotIdentity
from service import job_schemas, schemas, worker_schemas
from service.app import create_app
from service.catalogue import PROBLEMS
from service.openapi import operations
from tests.redis_servers import named, wait_until_up

if TYPE_CHECKING:
    from tests.databases import Backend

SLOT = SlotIdentity("slot-1", ("cpu",), "landlock")
INSPECTOR = SlotIdentity("slot-0", ("inspect",), "landlock")
DIGITS = {
    "name": "digits",
    "shape": [1, 8, 8],
    "classes": 10,
    "splits": {"train": 1437, "test": 360},
    "fingerprint": "f" * 64,
}
JOB = {
    "model": {"architecture": "lenet-300-100", "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative", "levels": 3, "seed": 0, "training": {"length": "10it", "evaluate_every": "5it"}},
}


@contextmanager
def _private_redis() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run a Redis on a unix socket in a short folder, and give its process and address."""
    server = named("redis-server")
    with tempfile.TemporaryDirectory(prefix="wn") as folder:
        socket = f"{folder}/s"
        url = f"redis+socket://{socket}"
        command = [server, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                wait_until_up(process, url)
                yield process, url
            finally:
                process.kill()


@pytest.fixture(scope="session")
def redis_url(backend: "Backend") -> Iterator[str]:
    """The Redis that all tests on one kind of database share."""
    with _private_redis() as (_, url):
        yield url


@pytest.fixture
def start_redis() -> Iterator[Callable[[], tuple[subprocess.Popen[bytes], str]]]:
    """Start a Redis that the test may freeze or kill."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(_private_redis())


@pytest.fixture(scope="session")
def run_service(backend: "Backend", blob_settings: Callable[[Path], dict[str, Any]]) -> Callable[..., Any]:
    """Run a service of one's own: `with run_service(home, redis_url, **settings) as service`.

    It hands all bytes out itself, unless `s3_presign` is set.
    """

    def run(home: Path, redis_url: str | None, **changes: Any) -> AbstractContextManager[Service]:
        places = {"database_url": backend.at(home), "s3_presign": False, **blob_settings(home)}
        return running(home, redis_url, **places | changes)

    return run


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an app from a thread and give its address."""
    config = uvicorn.Config(app, port=0, log_level="warning", ws="none", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Service:
    """A running service, its database to play worker on, and a client that checks every answer."""

    url: str
    settings: Settings
    database: Database
    blobs: Blobs
    spec: Mapping[str, Any] = field(repr=False)
    http: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx2.Client(base_url=self.url, event_hooks={"response": [self._check]}, timeout=30)

    def _check(self, response: httpx2.Response) -> None:
        """Hold an answer to the contract: documented, of the documented shape, or a whole problem."""
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            return
        response.read()
        assert response.headers["x-request-id"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "content-security-policy" in response.headers
        if response.status_code >= 400 and response.request.method != "HEAD":
            _check_problem(response)
        operation = operation_for(self.spec, response.request.method, response.request.url.path)
        if operation is None:
            return
        documented = operation["responses"]
        assert str(response.status_code) in documented, (operation["operationId"], response.status_code, response.text)
        shape = documented[str(response.status_code)].get("content", {}).get("application/json", {}).get("schema", {})
        name = shape.get("$ref", "").rpartition("/")[2]
        for module in (schemas, job_schemas, worker_schemas):
            if name in vars(module):
                vars(module)[name].model_validate_json(response.content, strict=True)

    def kept(self, sha256: str) -> bytes:
        """Read a blob."""
        with self.blobs.open(sha256) as file:
            return file.read()

    @property
    def incoming(self) -> Path:
        """Where bytes lie while they are sent."""
        return self.settings.paths.blobs / "incoming"

    def blob(self, data: bytes) -> str:
        """Send bytes and give their sha256."""
        sha256 = hashlib.sha256(data).hexdigest()
        answer = self.http.put(f"/v1/blobs/{sha256}", content=data)
        assert answer.status_code in (200, 201), answer.text
        return sha256

    def post(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        """Post JSON."""
        return self.http.post(path, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def submit(self, **changes: Any) -> dict[str, Any]:
        """Submit a job and give it."""
        answer = self.post("/v1/jobs", JOB | changes)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def inspect(self, summary: Mapping[str, Any] = DIGITS) -> None:
        """Play the inspecting worker until nothing is left to inspect: digits it is, unless told otherwise."""
        while inspection := claim(self.database, slot=INSPECTOR, ttl_seconds=60):
            with Path(__file__).open("rb") as anything:
                stored = self.blobs.put(anything)
            if inspection.model is not None:
                raise AssertionError("tests that upload models inspect them themselves")
            finish_inspection(self.database, inspection.lease, ready={"summary": dict(summary)}, canonical=stored)

    def _nudge(self, taken: Claim) -> None:
        """Tell watchers as a worker does."""
        if self.settings.redis_url is not None:
            nudge(self.settings.redis_url, CHANGED, taken.lease.job_id)

    def claim(self, job_id: str) -> Claim:
        """Play the worker that takes a job."""
        self.inspect()
        with self.database.write() as conn:
            # The only claimable one, whatever other tests have left in the queue.
            others = tables.job.c.id != job_id, tables.job.c.state == "queued"
            conn.execute(update(tables.job).where(*others).values(not_before=4e9))
        taken = claim(self.database, slot=SLOT, ttl_seconds=60)
        assert taken is not None
        assert taken.lease.job_id == job_id
        return taken

    def started(self, taken: Claim) -> None:
        """Play a child that says it has started."""
        commit(
            self.database, taken.lease, events=[NewEvent("job.started", {"resumed_from": None})], phase="train_dense"
        )
        self._nudge(taken)

    def level(self, taken: Claim, level: int, accuracy: float, *, replicate: int = 0, seconds: float = 1.0) -> None:
        """Play a child that has completed a level."""
        kept = round(1000 * 0.8**level)
        data = {"replicate": replicate, "level": level, "kept": kept, "total": 1000, "sparsity": 1 - kept / 1000}
        data |= {"validation_accuracy": accuracy, "validation_loss": 0.1, "early_stop_step": 5, "censored": False}
        data["seconds"] = seconds
        commit(
            self.database,
            taken.lease,
            events=[NewEvent("job.level_completed", data)],
            levels=[NewLevel(replicate, level, kept, 1000, 1 - kept / 1000, data)],
        )
        self._nudge(taken)

    def progress(self, taken: Claim, **progress: Any) -> None:
        """Play a child that tells how far it is."""
        beat(self.database, taken.lease, ttl_seconds=60, progress=progress)
        self._nudge(taken)

    def finish(self, taken: Claim, files: Mapping[str, bytes], *, gate: Any = None) -> None:
        """Play a worker whose child has written these files."""
        made = [self._artifact(name, data) for name, data in files.items()]
        outcome = Succeeded(
            artifacts=made,
            gate=gate,
            best={"level": 1, "sparsity": 0.2, "metric": "validation_accuracy", "value": 0.95, "delta_vs_dense": 0.0},
            cost={"used_flops": 5.12e11},
            summary={"level": 3, "sparsity": 0.488, "verdict": "winning", "n": 3},
        )
        finish(self.database, taken.lease, outcome=outcome)
        self._nudge(taken)

    def database_only_finish(self, taken: Claim) -> None:
        """Finish a job when there is no Redis to tell."""
        outcome = Succeeded(artifacts=(), gate=None, best=None, cost={}, summary={})
        finish(self.database, taken.lease, outcome=outcome)

    def _artifact(self, name: str, data: bytes) -> NewArtifact:
        with self.blobs.writer() as writer:
            writer.write(data)
            stored: Stored = writer.finish()
        level = int(name.split("/")[1]) if name.startswith("levels/") else None
        kinds = {"json": "application/json", "html": "text/html; charset=utf-8", "md": "text/markdown; charset=utf-8"}
        kind = kinds.get(name.rpartition(".")[2], "application/octet-stream")
        return NewArtifact(name, stored.sha256, stored.bytes, kind, level)

    def announce(self, identity: SlotIdentity) -> None:
        """Play a worker that has started."""
        with self.database.write() as conn:
            slots.announce(conn, identity, about={})


@cache
def _patterns(paths: tuple[str, ...]) -> Sequence[tuple[re.Pattern[str], str]]:
    def pattern(path: str) -> str:
        escaped = re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
        return re.sub(r"\{(\w+)\}", lambda m: ".*" if "artifacts/" in path and m[1] == "name" else "[^/:]+", escaped)

    return [(re.compile(pattern(path)), path) for path in paths]


def operation_for(spec: Mapping[str, Any], method: str, path: str) -> dict[str, Any] | None:
    """Find what a document says of a request; None when it says nothing."""
    documented = {(m, p): operation for m, p, operation in operations(spec)}
    for pattern, written in _patterns(tuple(spec["paths"])):
        if pattern.fullmatch(path) and (method.lower(), written) in documented:
            return documented[method.lower(), written]
    return None


def _check_problem(response: httpx2.Response) -> None:
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem = response.json()
    kind = PROBLEMS[problem["code"]]
    assert (problem["status"], problem["title"]) == (kind.status, kind.title)
    assert problem["status"] == response.status_code
    assert problem["type"] == f"/errors#{problem['code']}"
    assert problem["detail"]
    assert problem["request_id"] == response.headers["x-request-id"]
    for leak in ("Traceback", "/home/", "/tmp/", "site-packages", "SELECT", "sqlite3", ".py"):
        assert leak not in str(problem | {"instance": ""}), response.text


@contextmanager
def running(home: Path, redis_url: str | None, **changes: Any) -> Iterator[Service]:
    """Run a service on a home folder."""
    values = {"sweep_seconds": 0.5, "lease_ttl_seconds": 3600, **changes}
    settings = Settings(home=home, redis_url=redis_url, **values)
    settings.paths.make()
    database = Database.open(settings.database)
    app = create_app(settings)
    with served(app) as url:
        service = Service(url, settings, database, open_blobs(settings), app.openapi())
        with service.http:
            yield service
    database.close()


@pytest.fixture
def serve_app(tmp_path: Path, backend: "Backend") -> Callable[[Callable[[FastAPI], None]], Any]:
    """Serve an app that was changed first: `with serve_app(change) as url`."""

    def serve(change: Callable[[FastAPI], None]) -> Any:
        settings = Settings(home=tmp_path, database_url=backend.at(tmp_path))
        settings.paths.make()
        app = create_app(settings)
        change(app)
        return served(app)

    return serve


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str, run_service: Callable[..., Any]
) -> Iterator[Service]:
    """One service for the tests of a file; each test makes its own jobs."""
    with run_service(tmp_path_factory.mktemp("home"), redis_url) as running_service:
        yield running_service

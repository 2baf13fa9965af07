"""A fresh database, a bench that makes jobs and lets time pass, and a private Redis that can be frozen and killed."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import RowMapping, select, update

from jobs import slots, tables
from jobs.blobs import Stored
from jobs.database import Database
from jobs.engines import open_engine
from jobs.events import page
from jobs.grids.creation import create_grid
from jobs.grids.points import PreparedPoint, points_of, recipe_at
from jobs.grids.submission import GridSubmission
from jobs.leases import Claim, claim, finish_inspection
from jobs.making.creation import create_job, inputs_of
from jobs.making.submissions import JobSubmission, parse
from jobs.settings import Settings
from jobs.slots import SlotIdentity
from jobs.sweep import sweep
from tests.redis_servers import named, wait_until_up

if TYPE_CHECKING:
    from tests.databases import Backend

TTL = 60.0
engine_at = cache(open_engine)
"""Of one address always the same: what it has compiled serves every database that is there after another."""
DIGITS = {"shape": [1, 8, 8], "classes": 10, "name": "digits", "fingerprint": "f" * 8}
CANONICAL = Stored("c" * 64, 1000)
RECIPE = {"search": "iterative", "levels": 3, "seed": 0}


@dataclass
class Bench:
    """What a test of jobs does again and again; every other call goes to the code under test."""

    db: Database
    url: str
    """Of the database, for other processes."""
    tenant: str = "ada"
    settings: Settings = field(default_factory=lambda: Settings(home=Path("/nonexistent")))

    def submit(self, *, tenant: str | None = None, **body: Any) -> str:
        """Write a job on an architecture and builtin digits."""
        raw = {"model": {"architecture": "lenet-300-100", "seed": 0}, "dataset": {"uri": "builtin:digits"}}
        submission = parse(JobSubmission, raw | {"recipe": RECIPE} | body)
        tenant = tenant or self.tenant
        with self.db.write() as conn:
            model, dataset = inputs_of(conn, tenant=tenant, submission=submission, check_header=lambda *_: None)
            return create_job(
                conn,
                tenant=tenant,
                submission=submission,
                model=model,
                dataset=dataset,
                resolved_recipe=RECIPE,
                plan=None,
            )

    def grid(self, *, tenant: str | None = None, ready: bool = True, **body: Any) -> tuple[str, list[str]]:
        """Write a grid over two seeds, or the one given, on builtin digits; give it and its points."""
        tenant = tenant or self.tenant
        raw = {"model": {"architecture": "lenet-300-100", "seed": 0}, "dataset": {"uri": "builtin:digits"}}
        submission = parse(GridSubmission, raw | {"recipe": RECIPE, "grid": {"/seed": [0, 1]}} | body)
        recipes = [(point, recipe_at(submission.recipe, point)) for point in points_of(submission.grid)]
        points = [PreparedPoint(point, recipe, RECIPE, None) for point, recipe in recipes]
        with self.db.write() as conn:
            model, dataset = inputs_of(conn, tenant=tenant, submission=submission, check_header=lambda *_: None)
            grid = create_grid(conn, tenant=tenant, submission=submission, model=model, dataset=dataset, points=points)
        if ready:
            self.ready(tenant=tenant)
        return grid, self.children(grid)

    def children(self, grid: str) -> list[str]:
        """List the points of a grid, in order."""
        job = tables.job
        with self.db.read() as conn:
            mine = select(job.c.id).where(job.c.parent_id == grid).order_by(job.c.created_at, job.c.id)
            return list(conn.execute(mine).scalars())

    def ready(self, *, tenant: str | None = None) -> None:
        """Have digits inspected, so that jobs on them are claimable."""
        tenant = tenant or self.tenant
        with self.db.write() as conn:
            submission = parse(
                JobSubmission,
                {"model": {"architecture": "mlp"}, "dataset": {"uri": "builtin:digits"}, "recipe": RECIPE},
            )
            inputs_of(conn, tenant=tenant, submission=submission, check_header=lambda *_: None)
        while inspection := self.claim(kinds=("inspect",)):
            finish_inspection(self.db, inspection.lease, ready={"summary": DIGITS}, canonical=CANONICAL)

    def claim(self, owner: str = "slot-1", *, kinds: tuple[str, ...] = ("cpu",), sandbox: str = "landlock") -> Any:
        return claim(self.db, slot=SlotIdentity(owner, kinds, sandbox), ttl_seconds=TTL)

    def running(self, **body: Any) -> Claim:
        """Submit a job and claim it."""
        self.ready(tenant=body.get("tenant"))
        job_id = self.submit(**body)
        taken = self.claim()
        assert taken is not None
        assert taken.lease.job_id == job_id
        return taken

    def announce(self, kind: str, owner: str | None = None) -> None:
        with self.db.write() as conn:
            slots.announce(conn, SlotIdentity(owner or f"{kind}-1", (kind,), "landlock"), about={})

    def sweep(self) -> Any:
        return sweep(self.db, settings=self.settings)

    def elapse(self, seconds: float) -> None:
        """Let time pass: everything in the database is that much longer ago."""
        moments = {
            tables.job: (
                *("lease_until", "not_before", "state_since", "created_at", "started_at", "finished_at"),
                *("pause_expires_at", "expires_at"),
            ),
            tables.slot: ("seen_at", "started_at"),
            tables.idempotency: ("created_at",),
        }
        with self.db.write() as conn:
            for table, columns in moments.items():
                conn.execute(update(table).values({name: table.c[name] - seconds for name in columns}))

    def expire(self) -> None:
        """Let every lease run out."""
        self.elapse(TTL + 1)

    def row(self, job_id: str) -> RowMapping:
        with self.db.read() as conn:
            return conn.execute(select(tables.job).where(tables.job.c.id == job_id)).mappings().one()

    def state(self, job_id: str) -> str:
        return self.row(job_id)["state"]

    def log(self, job_id: str) -> list[dict[str, Any]]:
        with self.db.read() as conn:
            tenant = conn.execute(select(tables.job.c.tenant).where(tables.job.c.id == job_id)).scalar_one()
            return page(conn, tenant=tenant, job_id=job_id)

    def types(self, job_id: str) -> list[str]:
        return [event["type"] for event in self.log(job_id)]

    def count(self, table: Any, **equal: Any) -> int:
        with self.db.read() as conn:
            rows = conn.execute(select(table)).mappings().all()
        return sum(all(row[key] == value for key, value in equal.items()) for row in rows)


@pytest.fixture
def fresh_bench(backend: "Backend") -> Iterator[Callable[[], Bench]]:
    """Make benches, each on a database of its own: for tests that run many examples."""
    opened: list[Bench] = []

    def make() -> Bench:
        url = backend.new()
        opened.append(Bench(Database(*engine_at(url)), url))
        return opened[-1]

    yield make
    for bench in opened:
        bench.db.close()
        backend.drop(bench.url)


@pytest.fixture
def bench(fresh_bench: Callable[[], Bench]) -> Bench:
    return fresh_bench()


@pytest.fixture
def db(bench: Bench) -> Database:
    return bench.db


@dataclass
class PrivateRedis:
    """A Redis server that this test alone uses."""

    url: str
    process: subprocess.Popen[bytes]

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def private_redis() -> Iterator[PrivateRedis]:
    server = named("redis-server")
    # Short: the path of a unix socket is cut at about 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="wn-"))
    socket = folder / "s"
    process = subprocess.Popen(
        [server, "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
    )
    assert process.stdin is not None
    process.stdin.write(f'port 0\nunixsocket {socket}\nrequirepass hush\nsave ""\n'.encode())
    process.stdin.close()
    private = PrivateRedis(f"redis+socket://:hush@{socket}", process)
    try:
        wait_until_up(process, private.url)
        yield private
    finally:
        private.kill()
        shutil.rmtree(folder)

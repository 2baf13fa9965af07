"""F20: everything goes wrong at random moments for minutes on end, from a seed, and every step is committed once.

`make soak` runs it for an hour. What happens is drawn from the seed; when it happens to whom is up to the machine.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import redis as redis_client
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from jobs import broker, leases, tables
from jobs.counters import LEASES_LOST, STALE_WRITES_REFUSED, STRIKES
from jobs.errors import InvalidTransitionError

if TYPE_CHECKING:
    from tests.databases import Backend
    from tests.faults.conftest import House
    from tests.postgres_server import PostgresServer

SECONDS = float(os.environ.get("WINNOW_CHAOS_SECONDS", "120"))
SEED = int(os.environ.get("WINNOW_CHAOS_SEED", "20"))
SEEDS = {"sqlite": SEED, "postgresql": SEED + 1}
SLOTS, OPEN_JOBS = 3, 6
HOUR = {"tenant": "default", "pause_seconds": 3600.0}
pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(SECONDS + 400)]
T = TypeVar("T")


@dataclass
class Chaos:
    """What was asked of the house, what was done to it, and what is yet to be undone."""

    house: House
    rng: random.Random
    outage: Callable[[float], None]
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    thaws: list[threading.Timer] = field(default_factory=list)
    """Of the slots that stand still."""
    redis_back_at: float | None = None

    def wreak(self, seconds: float) -> None:
        """Do something every now and then until the time is up."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.keep_up()
            self.send_work()
            what = self.rng.choices(list(FAULTS), [weight for weight, _ in FAULTS.values()])[0]
            self.done[what] += 1
            FAULTS[what][1](self)
            time.sleep(self.rng.uniform(0.05, 0.8))

    def keep_up(self) -> None:
        """Do what an operator's machinery does: restart what ended."""
        for index in range(SLOTS):
            slot = self.slot(index)
            if slot is None or slot.poll() is not None:
                self.house.start_slot(index=index)
        if self.redis_back_at is not None and time.monotonic() >= self.redis_back_at:
            self.redis_back_at = None
            self.house.start_redis()

    def send_work(self) -> None:
        """Keep so many jobs open."""
        if len(self.open()) < OPEN_JOBS:
            recipe = {
                "levels": self.rng.randint(2, 5),
                "steps": self.rng.randint(2, 12),
                "step_seconds": self.rng.choice([0.01, 0.05, 0.2]),
                "checkpoint_at": self.rng.randint(1, 12),
            }
            priority = self.rng.randint(-2, 2)
            job_id = patiently(self.house.submit, recipe, hint=False, priority=priority)
            self.jobs[job_id] = recipe
            self.hint()

    def slot(self, index: int) -> Any:
        mine = [slot for place, slot in enumerate(self.house.slots) if self.numbers[place] == index]
        return mine[-1] if mine else None

    @property
    def numbers(self) -> list[int]:
        """The index of each slot that was ever started, by its command."""
        return [int(slot.args[slot.args.index("--index") + 1]) for slot in self.house.slots]  # type: ignore[union-attr,call-overload,index]

    def alive(self) -> list[Any]:
        slots = [self.slot(index) for index in range(SLOTS)]
        return [slot for slot in slots if slot is not None and slot.poll() is None]

    def open(self) -> list[str]:
        with_state = patiently(self.house_states)
        return [job_id for job_id in self.jobs if with_state[job_id] not in ("succeeded", "failed", "cancelled")]

    def house_states(self) -> dict[str, str]:
        with self.house.database.read() as conn:
            return {row.id: row.state for row in conn.execute(select(tables.job.c.id, tables.job.c.state))}

    def hint(self) -> None:
        if self.redis_back_at is None:
            self.house.hint()

    # What can happen.

    def kill_a_trainer(self) -> None:
        for slot in self.rng.sample(self.alive(), k=min(1, len(self.alive()))):
            children = Path(f"/proc/{slot.pid}/task/{slot.pid}/children")
            with suppress(OSError):
                for pid in children.read_text().split():
                    os.kill(int(pid), signal.SIGKILL)

    def kill_a_worker(self) -> None:
        for slot in self.rng.sample(self.alive(), k=min(1, len(self.alive()))):
            with suppress(ProcessLookupError):
                os.killpg(slot.pid, signal.SIGKILL)
            slot.wait()

    def drain_a_worker(self) -> None:
        for slot in self.rng.sample(self.alive(), k=min(1, len(self.alive()))):
            slot.send_signal(signal.SIGTERM)

    def freeze_a_worker(self) -> None:
        for slot in self.rng.sample(self.alive(), k=min(1, len(self.alive()))):
            slot.send_signal(signal.SIGSTOP)
            # By a clock of its own: it may hold SQLite's one lock, and then this thread waits for it too.
            thaw = threading.Timer(self.rng.uniform(0.5, 6.0), slot.send_signal, [signal.SIGCONT])
            thaw.start()
            self.thaws.append(thaw)

    def kill_redis(self) -> None:
        if self.redis_back_at is None:
            self.house.kill_redis()
            self.redis_back_at = time.monotonic() + self.rng.uniform(0.2, 4.0)

    def flood_the_queue(self) -> None:
        if self.redis_back_at is not None:
            return
        with suppress(redis_client.RedisError), broker.client(self.house.redis.url) as client:
            client.flushall()
            for _ in range(self.rng.randint(1, 200)):
                client.lpush("winnow.cpu", self.rng.choice([b"", b"{}", b"\xff" * 40, b'{"body": 1, "headers": {}}']))
        for _ in range(self.rng.randint(0, 10)):
            self.hint()

    def take_the_database_away(self) -> None:
        self.outage(self.rng.uniform(0.5, 5.0))

    def cancel_a_job(self) -> None:
        for job_id in self.rng.sample(self.open(), k=min(1, len(self.open()))):
            with suppress(InvalidTransitionError):
                patiently(leases.request_cancel, self.house.database, tenant="default", job_id=job_id)
                self.cancelled.add(job_id)

    def pause_a_job(self) -> None:
        for job_id in self.rng.sample(self.open(), k=min(1, len(self.open()))):
            with suppress(InvalidTransitionError):
                patiently(leases.request_pause, self.house.database, job_id=job_id, **HOUR)

    def resume_jobs(self) -> None:
        for job_id in self.open():
            with suppress(InvalidTransitionError):
                patiently(leases.request_resume, self.house.database, tenant="default", job_id=job_id)
        self.hint()

    def requeue_a_job(self) -> None:
        for job_id in self.rng.sample(self.open(), k=min(1, len(self.open()))):
            with suppress(InvalidTransitionError):
                patiently(leases.requeue, self.house.database, job_id=job_id)

    def calm_down(self) -> None:
        """Undo what is left undone; from here on everything must come to its end by itself."""
        for thaw in self.thaws:
            thaw.join()
        if self.redis_back_at is not None:
            self.redis_back_at = None
            self.house.start_redis()
        self.resume_jobs()


FAULTS: dict[str, tuple[float, Callable[[Chaos], None]]] = {
    "trainer killed": (3, Chaos.kill_a_trainer),
    "worker killed": (2, Chaos.kill_a_worker),
    "worker drained": (2, Chaos.drain_a_worker),
    "worker frozen": (2, Chaos.freeze_a_worker),
    "redis killed": (1, Chaos.kill_redis),
    "queue flushed and flooded": (1, Chaos.flood_the_queue),
    "database away": (1, Chaos.take_the_database_away),
    "cancel": (1, Chaos.cancel_a_job),
    "pause": (2, Chaos.pause_a_job),
    "resume": (3, Chaos.resume_jobs),
    "requeued by hand": (1, Chaos.requeue_a_job),
    "nothing": (6, lambda chaos: None),
}


def patiently(ask: Callable[..., T], *given: Any, **named: Any) -> T:
    """Ask until the database answers, as a client does."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return ask(*given, **named)
        except DBAPIError:
            assert time.monotonic() < deadline, "the database stayed away"
            time.sleep(0.1)


@contextmanager
def outages(url: str, server: PostgresServer | None) -> Iterator[Callable[[float], None]]:
    """Give a way to take a database away for some seconds, without waiting for it to come back.

    One thread does it, and lasts as long as the block: a server ends with the thread that started it.
    """

    def away(seconds: float) -> None:
        if server is None:
            _hold_the_file(Path(url.removeprefix("sqlite:///")), seconds)
        else:
            server.stop()
            time.sleep(seconds)
            server.start()

    with ThreadPoolExecutor(max_workers=1) as one_thread:
        running: list[Future[None]] = []

        def begin(seconds: float) -> None:
            if not running or running[-1].done():
                running.append(one_thread.submit(away, seconds))

        yield begin
        for done in running:
            done.result()


def _hold_the_file(file: Path, seconds: float) -> None:
    """Keep every writer out of an SQLite database."""
    with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as conn:
        conn.execute("BEGIN EXCLUSIVE")
        time.sleep(seconds)
        conn.execute("ROLLBACK")


def test_f20_whatever_goes_wrong_every_step_of_every_job_is_committed_once(
    tmp_path: Path,
    open_house: Callable[..., Any],
    backend: Backend,
    start_postgres: Callable[..., PostgresServer],
    stand_in: list[str],
) -> None:
    home = tmp_path / "home"
    server = start_postgres(durable=True) if backend.name == "postgresql" else None
    if server is None:
        url = backend.at(home)
    else:
        server.say("CREATE DATABASE chaos")
        url = server.url("chaos")
        _migrate(url)
    seed = SEEDS[backend.name]
    with outages(url, server) as outage, open_house(home, stand_in, database_url=url) as house:
        chaos = Chaos(house, random.Random(seed), outage)
        chaos.wreak(SECONDS)
        chaos.calm_down()
        deadline = time.monotonic() + 180
        while still := chaos.open():
            chaos.keep_up()
            assert time.monotonic() < deadline, (still, chaos.house_states())
            time.sleep(0.2)
        outcome = {job_id: judged(chaos, job_id) for job_id in chaos.jobs}
        figures = {
            "backend": backend.name,
            "seed": seed,
            "seconds": SECONDS,
            "jobs": dict(Counter(outcome.values())),
            "steps_committed": sum(len(house.events(job_id, "level_completed")) for job_id in chaos.jobs),
            "attempts": sum(house.job(job_id).attempt for job_id in chaos.jobs),
            "leases_lost": house.count(LEASES_LOST),
            "stale_writes_refused": house.count(STALE_WRITES_REFUSED),
            "strikes": house.count(STRIKES),
            "done": dict(sorted(chaos.done.items())),
        }
        print(json.dumps(figures))
        if report := os.environ.get("WINNOW_CHAOS_REPORT"):
            Path(report).joinpath(f"chaos_{backend.name}_{seed}.json").write_text(json.dumps(figures, indent=1) + "\n")


def judged(chaos: Chaos, job_id: str) -> str:
    """Hold one job against what must be true of it, and give the state it ended in."""
    house, recipe = chaos.house, chaos.jobs[job_id]
    row = house.job(job_id)
    house.check(job_id, state=row.state)
    levels = [event["data"]["level"] for event in house.events(job_id, "level_completed")]
    assert levels == list(range(len(levels))), (job_id, levels)
    if job_id in chaos.cancelled:
        assert row.state == "cancelled", row
    elif row.state == "failed":
        assert row.error["code"] == "worker_lost"
        assert row.strikes == 3
    else:
        assert row.state == "succeeded", row
        assert len(levels) == recipe["levels"]
    with house.database.read() as conn:
        query = select(tables.attempt).where(tables.attempt.c.job_id == job_id).order_by(tables.attempt.c.number)
        attempts = conn.execute(query).all()
    assert [attempt.number for attempt in attempts] == list(range(1, row.attempt + 1))
    assert all(attempt.ended_at is not None for attempt in attempts)
    return str(row.state)


def _migrate(url: str) -> None:
    from jobs.database import Database

    with closing(Database.open(url)) as database:
        database.migrate()

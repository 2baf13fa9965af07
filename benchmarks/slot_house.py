"""A home with a database, a Redis of its own, and slots as real processes whose children wait instead of training."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from jobs.database import Database
from jobs.making.enqueueing import enqueue
from jobs.settings import Settings
from jobs.tables import slot
from service.operating.embedded import private_redis
from service.operating.slots import WORKERS, environment

STAND_IN = [sys.executable, "-I", "-c", (Path(__file__).parents[1] / "tests/faults/stand_in.py").read_text()]
SOON_SECONDS = 600


@dataclass(frozen=True)
class House:
    """A home with a database and a Redis, and slots as processes."""

    settings: Settings
    database: Database
    redis_url: str

    @contextmanager
    def slots(self, count: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
        """Keep slots for a block, all of them up when it begins."""
        env = environment(self.settings, self.redis_url) | {"OMP_NUM_THREADS": "1"}
        running = []
        for index in range(count):
            command = [*WORKERS, "slot", "--kind", "cpu", "--index", str(index), "--child", json.dumps(STAND_IN)]
            with (self.settings.paths.logs / f"slot-{index}.log").open("ab") as log:
                running.append(subprocess.Popen(command, stdout=log, stderr=log, env=env, start_new_session=True))
        try:
            self.until(lambda: self.count(slot) == count or any(process.poll() is not None for process in running))
            if self.count(slot) != count:
                raise RuntimeError(f"expected {count} slots, got fewer: see {self.settings.paths.logs}")
            yield running
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                process.wait(120)

    def count(self, table: Any, *where: Any) -> int:
        with self.database.read() as conn:
            return int(conn.execute(select(func.count()).select_from(table).where(*where)).scalar_one())

    def until(self, true: Callable[[], bool]) -> float:
        """Wait for something, and say for how long."""
        began = time.monotonic()
        while not true():
            if time.monotonic() - began > SOON_SECONDS:
                raise RuntimeError(f"expected it within {SOON_SECONDS} s")
            time.sleep(0.05)
        return time.monotonic() - began

    def submit(self, waits: Sequence[float]) -> list[str]:
        """Write a job for each of the seconds its child is to wait."""
        recipes = [{"levels": 1, "steps": 1, "step_seconds": seconds} for seconds in waits]
        with self.database.write() as conn:
            return [
                enqueue(conn, tenant="default", kind="search", search="iterative", resolved_recipe=recipe)
                for recipe in recipes
            ]


@contextmanager
def house(url: str, folder: Path) -> Iterator[House]:
    home = folder / f"home-{time.monotonic_ns()}"
    settings = Settings(home=home, database_url=url)
    settings.paths.make()
    with private_redis(settings.paths.redis) as redis_url:
        database = Database.open(url)
        try:
            database.migrate()
            yield House(settings, database, redis_url)
        finally:
            database.close()

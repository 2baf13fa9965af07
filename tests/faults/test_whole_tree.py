"""Redis, the database, a worker and the API go away in turn under a grid of real jobs: it ends as if they had not."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from jobs import tables
from jobs.database import Database
from tests.faults.conftest import TICKETING

if TYPE_CHECKING:
    from tests.databases import Backend
    from tests.faults.conftest import House
    from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(1800)]

SEEDS = (0, 1, 2)
GRID = {
    "name": "half the demo, three times",
    "model": {"architecture": "lenet-300-100", "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {
        "search": "iterative",
        "levels": 5,
        "training": {"length": "10ep"},
        "evidence": {"replicates": 3, "controls": ["reinit"], "levels": [3, 5]},
    },
    "grid": {"/seed": list(SEEDS)},
}
BITS = ("mask.safetensors", "ticket.safetensors", "model.safetensors", "sparse.safetensors")
OFTEN = {"WINNOW_CHECKPOINT_SECONDS": "1"}
AWAY_SECONDS = 8  # leases run out after three
PATIENCE_SECONDS = 600


@dataclass
class Tree:
    """A grid under way: its house, the API it was given to, and what of it can be taken away."""

    house: House
    stack: ExitStack
    database_file: Path | None
    """Of SQLite."""
    server: PostgresServer | None
    url: str = ""
    grid_id: str = ""

    def open_api(self) -> None:
        self.url = self.stack.enter_context(self.house.api())

    def ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}{path}", data, headers), timeout=60) as answer:
            return json.load(answer)

    def begin(self) -> None:
        self.open_api()
        self.house.start_slot("inspect")
        for index in range(2):
            self.house.start_slot(index=index, **OFTEN)
        self.grid_id = self.ask("/v1/jobs:sweep", GRID)["id"]

    def children(self) -> dict[int, Any]:
        """Give the rows of the children by their seeds."""
        mine = select(tables.job).where(tables.job.c.parent_id == self.grid_id)
        with self.house.database.read() as conn:
            return {row.point["/seed"]: row for row in conn.execute(mine).all()}

    def checkpoints(self) -> int:
        return sum(len(self.house.events(row.id, "checkpoint_saved")) for row in self.children().values())

    def go_on(self) -> None:
        """Wait until something new is committed while some of it is still to be done."""
        before = self.checkpoints()
        wait = self.house.wait_until
        wait(lambda: self.checkpoints() >= before + 3, seconds=PATIENCE_SECONDS, what="three more checkpoints")
        assert "running" in {row.state for row in self.children().values()}

    def end(self) -> None:
        """Wait for the end, and hold every job against what must be true of it."""

        def done() -> bool:
            return bool(self.ask(f"/v1/jobs/{self.grid_id}?wait=10")["done"])

        self.house.wait_until(done, seconds=PATIENCE_SECONDS, what="the end of the grid")
        for row in self.children().values():
            self.house.check(row.id, state="succeeded")
        self.house.check(self.grid_id, state="succeeded")
        assert self.ask(f"/v1/jobs/{self.grid_id}/report")["counts"]["succeeded"] == len(SEEDS)

    def bits(self) -> dict[int, dict[str, str]]:
        made = {seed: self.house.artifacts(row.id) for seed, row in self.children().items()}
        return {seed: {name: digests[name] for name in BITS} for seed, digests in made.items()}


def kill_redis(tree: Tree) -> None:
    tree.house.kill_redis()
    time.sleep(3)
    tree.house.start_redis()


def take_the_database_away(tree: Tree) -> None:
    if tree.server is None:
        assert tree.database_file is not None
        with closing(sqlite3.connect(tree.database_file, timeout=60, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            time.sleep(AWAY_SECONDS)
            writer.execute("ROLLBACK")
        return
    tree.server.stop(signal.SIGINT)
    with pytest.raises(urllib.error.HTTPError) as refused:
        tree.ask(f"/v1/jobs/{tree.grid_id}")
    with refused.value as answer:
        assert (answer.code, json.load(answer)["code"]) == (503, "database_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    time.sleep(AWAY_SECONDS)
    tree.server.start()


def kill_a_worker(tree: Tree) -> None:
    """Kill one that trains, with all it has started, and start another, as whoever keeps workers does."""

    def trains(slot: subprocess.Popen[bytes]) -> bool:
        if slot.poll() is not None or tree.house.kinds[slot.pid] != "cpu":
            return False
        return bool(Path(f"/proc/{slot.pid}/task/{slot.pid}/children").read_text().split())

    def find() -> subprocess.Popen[bytes] | None:
        return next((slot for slot in tree.house.slots if trains(slot)), None)

    slot = tree.house.wait_until(find, seconds=60, what="a slot that trains")
    os.killpg(slot.pid, signal.SIGKILL)
    slot.wait()
    tree.house.start_slot(index=2, **OFTEN)


def refuses_connections(tree: Tree) -> bool:
    try:
        tree.ask("/healthz")
    except OSError:
        return True
    return False


def kill_the_api(tree: Tree) -> None:
    ready = json.loads(tree.house.settings.home.with_name("ready.json").read_text())
    os.kill(ready["pid"], signal.SIGKILL)
    tree.house.wait_until(lambda: refuses_connections(tree), seconds=30, what="the API to be gone")
    tree.open_api()
    assert tree.ask(f"/v1/jobs/{tree.grid_id}")["done"] is False


@pytest.fixture
def open_tree(
    backend: Backend,
    tmp_path: Path,
    open_house: Callable[..., AbstractContextManager[House]],
    start_postgres: Callable[..., PostgresServer],
) -> Iterator[Callable[[str], Tree]]:
    """Begins a grid in a house of its own, on a database that can be taken away."""
    server = start_postgres() if backend.name == "postgresql" else None
    with ExitStack() as stack:

        def begin(name: str) -> Tree:
            home = tmp_path / name / "home"
            if server is None:
                url = backend.at(home)
            else:
                server.say(f"CREATE DATABASE {name}")
                url = server.url(name)
                with closing(Database.open(url)) as database:
                    database.migrate()
            house = stack.enter_context(open_house(home, TICKETING, database_url=url))
            file = Path(url.removeprefix("sqlite:///")) if server is None else None
            tree = Tree(house, stack, file, server)
            tree.begin()
            return tree

        yield begin


@pytest.fixture(scope="module")
def undisturbed() -> dict[int, dict[str, str]]:
    """What the grid makes when nothing happens to it, whatever its database: filled by the first test."""
    return {}


def test_a_grid_under_which_everything_is_taken_away_in_turn_ends_with_the_masks_of_an_undisturbed_one(
    open_tree: Callable[[str], Tree], undisturbed: dict[int, dict[str, str]]
) -> None:
    if not undisturbed:
        left_alone = open_tree("undisturbed")
        left_alone.end()
        assert [row.attempt for row in left_alone.children().values()] == [1] * len(SEEDS)
        left_alone.house.end_slots()
        undisturbed.update(left_alone.bits())

    tree = open_tree("disturbed")
    for take_away in (kill_redis, take_the_database_away, kill_a_worker, kill_the_api):
        tree.go_on()
        take_away(tree)
    tree.end()
    attempts = [row.attempt for row in tree.children().values()]
    assert sum(attempts) > len(SEEDS)
    assert tree.bits() == undisturbed
    print(f"attempts {attempts}")

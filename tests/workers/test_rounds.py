"""workers.rounds: a slot that is passed over notices, one that works does not; nudges never hold anybody up."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jobs import slots
from jobs.database import Database
from jobs.leases import claim
from jobs.making.enqueueing import enqueue
from jobs.settings import Settings
from jobs.slots import SlotIdentity
from jobs.sweep import Swept
from workers.rounds import Nudger, Rounds

SLOT = SlotIdentity("slot", ("cpu",), "landlock")


class Station:
    """A slot whose rounds a test makes by hand, at moments of its choice."""

    def __init__(self, database: Database, home: Path) -> None:
        self.busy = False
        self.gave_up = 0
        self.swept: list[Swept] = []
        self.nudged: list[str] = []
        settings = Settings(home=home, idle_restart_seconds=30)
        settings.paths.make()
        self._rounds = Rounds(
            database,
            settings,
            SLOT,
            top_up=self.swept.append,
            nudge=self.nudged.append,
            busy=lambda: self.busy,
            give_up=self._give_up,
        )

    def _give_up(self) -> None:
        self.gave_up += 1

    def at(self, second: float) -> int:
        """Make a round at this second and say how often the slot has given up."""
        self._rounds.make_one(clock=lambda: second)
        return self.gave_up


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database.open(database_url)) as database:
        with database.write() as conn:
            slots.announce(conn, SLOT, about={})
        yield database


@pytest.fixture
def station(database: Database, tmp_path: Path) -> Station:
    return Station(database, tmp_path / "home")


def submit(database: Database, device: str = "any") -> str:
    with database.write() as conn:
        return enqueue(conn, tenant="default", kind="search", device=device)


def test_a_slot_gives_up_after_work_was_there_for_long_enough(database: Database, station: Station) -> None:
    submit(database)
    assert [station.at(second) for second in (0, 29, 30)] == [0, 0, 1]


def test_work_for_another_kind_is_none_of_its_business(database: Database, station: Station) -> None:
    submit(database, "gpu")
    assert [station.at(second) for second in (0, 60)] == [0, 0]


def test_a_busy_slot_is_not_passed_over_and_starts_counting_anew(database: Database, station: Station) -> None:
    submit(database)
    station.at(0)
    station.busy = True
    station.at(40)
    station.busy = False
    assert [station.at(second) for second in (50, 79, 80)] == [0, 0, 1]


def test_an_idle_slot_says_that_it_lives(database: Database, station: Station) -> None:
    with database.read() as conn:
        before = slots.listed(conn, within_seconds=60)[0]["seen_at"]
    time.sleep(0.01)
    station.at(0)
    with database.read() as conn:
        assert slots.listed(conn, within_seconds=60)[0]["seen_at"] > before


def test_a_round_sweeps_and_asks_for_the_hints_that_are_missing(database: Database, station: Station) -> None:
    submit(database)
    station.at(0)
    assert station.swept[0].hints == {"cpu": 1}


def test_watchers_of_a_job_whose_lease_expired_are_nudged(database: Database, station: Station) -> None:
    job_id = submit(database)
    assert claim(database, slot=SLOT, ttl_seconds=0.001) is not None
    time.sleep(0.01)
    station.at(0)
    assert station.nudged == [job_id]


def test_nudging_a_redis_that_is_away_does_not_wait(tmp_path: Path) -> None:
    nudge = Nudger(f"redis+socket://{tmp_path / 'nobody.sock'}")
    started = time.monotonic()
    for _ in range(1000):
        nudge("job_1")
    assert time.monotonic() - started < 1

"""A worker whose database goes away: it waits, loses nothing, is struck for nothing, and comes back by itself."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.database import Database

if TYPE_CHECKING:
    from tests.faults.conftest import House
    from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.processes, pytest.mark.backends("postgresql")]

RECIPE = {"levels": 3, "steps": 10, "step_seconds": 0.2, "checkpoint_at": 3}
EVERY_STEP = [f"step {level} {step}" for level in range(3) for step in range(10)]
LASTING_LEASE = {"WINNOW_LEASE_TTL_SECONDS": "30"}


@pytest.fixture
def server(start_postgres: Callable[..., PostgresServer]) -> PostgresServer:
    """A PostgreSQL that this test may stop."""
    return start_postgres()


@pytest.fixture
def away_house(
    server: PostgresServer,
    tmp_path: Path,
    open_house: Callable[..., AbstractContextManager[House]],
    stand_in: list[str],
) -> Iterator[House]:
    """A house on that database."""
    server.say("CREATE DATABASE winnow")
    url = server.url("winnow")
    with closing(Database.open(url)) as database:
        database.migrate()
    with open_house(tmp_path / "home", stand_in, database_url=url) as house:
        yield house
        house.end_slots()


def begun(house: House, job_id: str) -> None:
    house.wait_until(lambda: "step 0 4" in house.printed_steps(job_id), seconds=30, what="the job to begin")
    house.wait_for_event(job_id, "checkpoint_saved")


def stop(server: PostgresServer) -> None:
    """Cut every connection at once; what was committed is on disk, which a crash of this server does not promise."""
    server.stop(signal.SIGINT)


def stop_for(server: PostgresServer, seconds: float) -> None:
    stop(server)
    time.sleep(seconds)
    server.start()


def freeze_for(server: PostgresServer, seconds: float) -> None:
    server.send(signal.SIGSTOP)
    time.sleep(seconds)
    server.send(signal.SIGCONT)


@pytest.mark.parametrize("be_away_for", [stop_for, freeze_for])
def test_a_database_that_is_away_for_less_than_a_lease_is_only_waited_for(
    be_away_for: Callable[[PostgresServer, float], None], away_house: House, server: PostgresServer
) -> None:
    house = away_house
    house.start_slot(**LASTING_LEASE)
    job_id = house.submit(RECIPE)
    begun(house, job_id)
    be_away_for(server, 8)  # the run ends meanwhile: its levels, its checkpoints and its end are to be written then
    assert house.wait_for_end(job_id) == "succeeded"
    house.check(job_id, state="succeeded")
    assert house.printed_steps(job_id) == EVERY_STEP
    assert (house.job(job_id).attempt, house.job(job_id).strikes) == (1, 0)


def test_a_database_that_is_away_for_longer_than_a_lease_costs_no_strike(
    away_house: House, server: PostgresServer
) -> None:
    house = away_house
    slot = house.start_slot()
    job_id = house.submit(RECIPE | {"steps": 40})
    begun(house, job_id)
    stop_for(server, 8)
    assert house.wait_for_end(job_id) == "succeeded"
    house.check(job_id, state="succeeded")
    assert house.job(job_id).attempt == 2
    assert house.events(job_id, "worker_lost") == []
    assert slot.poll() is None


def test_an_idle_slot_comes_back_by_itself(away_house: House, server: PostgresServer) -> None:
    house = away_house
    slot = house.start_slot()
    house.wait_for_slots(1)
    stop_for(server, 6)
    job_id = house.submit(RECIPE, hint=False)
    assert house.wait_for_end(job_id) == "succeeded"
    assert slot.poll() is None


def test_a_slot_that_starts_while_the_database_is_away_waits_for_it(away_house: House, server: PostgresServer) -> None:
    house = away_house
    job_id = house.submit(RECIPE, hint=False)
    stop(server)
    slot = house.start_slot()
    time.sleep(5)
    assert slot.poll() is None
    server.start()
    assert house.wait_for_end(job_id) == "succeeded"


def test_a_slot_can_be_stopped_while_the_database_is_away(away_house: House, server: PostgresServer) -> None:
    house = away_house
    slot = house.start_slot()
    house.wait_for_slots(1)
    stop(server)
    time.sleep(3)
    slot.terminate()
    assert slot.wait(30) == 0
    server.start()

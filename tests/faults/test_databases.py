"""F10, F11, F24: the database is away, gives transactions up, is yet to be made, or is of another program."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from email.message import Message
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from jobs import migrations, slots
from jobs.database import Database
from jobs.migrations import revisions
from tests.faults.conftest import wait_until

if TYPE_CHECKING:
    from tests.databases import Backend
    from tests.faults.conftest import House
    from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

AWAY_SECONDS = 20.0
RECIPE = {"levels": 3, "steps": 10, "step_seconds": 0.1, "checkpoint_at": 3}
LONG = {"levels": 4, "steps": 20, "step_seconds": 0.2, "checkpoint_at": 3}
SERVER = [sys.executable, "-c", "from service.command import main; main()"]
BODY = {
    "model": {"architecture": "mlp", "seed": 1},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative", "levels": 1, "evidence": "none"},
}


def ask(url: str, *, body: Any = None, key: str | None = None) -> tuple[int, Message, Any]:
    """Ask the API and give status, headers and document, also of a refusal."""
    headers = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key})
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=content, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers, json.load(refusal)


@pytest.fixture
def server(start_postgres: Callable[..., PostgresServer]) -> PostgresServer:
    """A PostgreSQL that this test may stop."""
    return start_postgres()


@pytest.fixture
def away_house(
    request: pytest.FixtureRequest,
    backend: Backend,
    tmp_path: Path,
    open_house: Callable[..., AbstractContextManager[House]],
    stand_in: list[str],
) -> Iterator[tuple[House, Callable[[], AbstractContextManager[None]]]]:
    """A house, and what takes its database away for the length of a block."""
    if backend.name == "sqlite":
        with open_house(tmp_path / "home", stand_in) as house:
            yield house, lambda: locked(house.settings.paths.database)
        return
    server: PostgresServer = request.getfixturevalue("server")
    server.say("CREATE DATABASE winnow")
    url = server.url("winnow")
    with closing(Database.open(url)) as database:
        database.migrate()
    with open_house(tmp_path / "home", stand_in, database_url=url) as house:
        yield house, lambda: stopped(server)
        house.end_slots()


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keep every other writer out, as a backup or a shell that was forgotten in a transaction does."""
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        yield
        raw.execute("ROLLBACK")


@contextmanager
def stopped(server: PostgresServer) -> Iterator[None]:
    server.stop(signal.SIGINT)
    yield
    server.start()


@pytest.mark.parametrize("ttl", ["60", "3"], ids=["lease outlives it", "lease runs out meanwhile"])
def test_f10_a_database_that_is_away_for_twenty_seconds_is_told_as_503_and_nothing_runs_twice(
    away_house: tuple[House, Callable[[], AbstractContextManager[None]]], ttl: str
) -> None:
    house, away = away_house
    slot = house.start_slot(WINNOW_LEASE_TTL_SECONDS=ttl)
    inspecting = house.start_slot("inspect", WINNOW_LEASE_TTL_SECONDS=ttl)
    house.wait_for_slots(2)
    with house.api(WINNOW_LEASE_TTL_SECONDS=ttl) as url:
        status, _, submitted = ask(f"{url}/v1/jobs", body=BODY, key="before")
        assert status == 202
        assert house.wait_for_end(submitted["id"]) == "succeeded"
        running = house.submit(LONG)
        house.wait_for_event(running, "checkpoint_saved")
        with away():
            back_at = time.monotonic() + AWAY_SECONDS
            refused = []
            while time.monotonic() < back_at - 1:
                asked_at = time.monotonic()
                status, headers, problem = ask(f"{url}/v1/jobs", body=BODY, key="during")
                refused.append(time.monotonic() - asked_at)
                assert (status, problem["code"]) == (503, "database_unavailable")
                assert int(headers["Retry-After"]) > 0
                assert headers["Content-Type"] == "application/problem+json"
                assert ask(f"{url}/healthz")[0] == 200
                time.sleep(0.5)
            time.sleep(max(0.0, back_at - time.monotonic()))
        print(f"F10: n={len(refused)} refused, the slowest after {max(refused):.1f} s")
        later = house.wait_until(lambda: accepted(url, key="during"), seconds=30, what="the API to take jobs again")
        assert ask(f"{url}/v1/jobs", body=BODY, key="during")[2]["id"] == later
        assert ask(f"{url}/v1/jobs", body=BODY, key="before")[2]["id"] == submitted["id"]
        for job_id in (running, later):
            assert house.wait_for_end(job_id) == "succeeded"
            house.check(job_id, state="succeeded")
            assert (house.job(job_id).strikes, house.events(job_id, "worker_lost")) == (0, [])
        assert len(ask(f"{url}/v1/jobs")[2]["items"]) == 3
    steps = house.printed_steps(running)
    assert sorted(set(steps)) == sorted(f"step {level} {step}" for level in range(4) for step in range(20))
    if ttl == "60":
        assert (house.job(running).attempt, len(steps)) == (1, 80)
    assert (slot.poll(), inspecting.poll()) == (None, None)


def accepted(url: str, *, key: str) -> str | None:
    status, _, document = ask(f"{url}/v1/jobs", body=BODY, key=key)
    return document["id"] if status == 202 else None


@pytest.fixture
def impatient_house(
    backend: Backend, tmp_path: Path, open_house: Callable[..., AbstractContextManager[House]], stand_in: list[str]
) -> Iterator[House]:
    """A house whose processes, on SQLite, wait a hundredth of a second for their turn, and are told "locked" then."""
    home = tmp_path / "home"
    url = backend.at(home)
    more = {"database_url": f"{url}?timeout=0.01"} if backend.name == "sqlite" else {}
    with open_house(home, stand_in, **more) as house:
        yield house


@contextmanager
def failing(house: House) -> Iterator[Callable[[], int]]:
    """Have the database give up transactions of everybody, and tell how many it has given up, at least."""
    if house.database.kind == "sqlite":
        with _in_the_way(house.settings.paths.database):
            logs = house.settings.paths.logs
            yield lambda: sum(log.read_text().count("OperationalError") for log in logs.glob("*.log"))
        return
    with house.database.write() as conn:
        for statement in GIVING_UP:
            conn.execute(text(statement))

    def count() -> int:
        with house.database.read() as conn:
            return int(conn.execute(text("SELECT last_value FROM given_up")).scalar_one())

    yield count
    with house.database.write() as conn:
        conn.execute(text("DROP FUNCTION give_up CASCADE"))


GIVING_UP = [
    "CREATE SEQUENCE given_up",  # what it gave is not taken back with the transaction
    """
    CREATE FUNCTION give_up() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF random() < 0.06 THEN
            PERFORM nextval('given_up');
            IF random() < 0.5 THEN
                RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001';
            END IF;
            RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01';
        END IF;
        RETURN NULL;
    END $$""",
    *(
        f"CREATE TRIGGER t AFTER INSERT OR UPDATE ON {table} EXECUTE FUNCTION give_up()"
        for table in ("job", "checkpoint", "level", "artifact", "attempt")
    ),
    # Not before the commit.
    "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON event DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION give_up()",
]


@contextmanager
def _in_the_way(file: Path) -> Iterator[None]:
    """Hold the write lock every other moment."""
    over, rng = Event(), random.Random(11)

    def hold() -> None:
        while not over.wait(rng.uniform(0.05, 0.2)):
            with locked(file):
                time.sleep(rng.uniform(0.02, 0.12))

    thread = Thread(target=hold, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def told(house: House, job_id: str) -> list[str]:
    return sorted(event["type"] for event in house.events(job_id))


def test_f11_what_loses_against_others_is_done_again_and_no_event_is_lost(impatient_house: House) -> None:
    house = impatient_house
    slots = [house.start_slot("cpu", 0), house.start_slot("inspect", 0)]
    with house.api() as url:
        undisturbed = ask(f"{url}/v1/jobs", body=BODY)[2]["id"]
        assert house.wait_for_end(undisturbed) == "succeeded"
        usual = house.submit(RECIPE)
        assert house.wait_for_end(usual) == "succeeded"
        jobs = [house.submit(RECIPE) for _ in range(6)]
        with failing(house) as given_up:
            slots += [house.start_slot("cpu", index) for index in (1, 2)]
            answers = [ask(f"{url}/v1/jobs", body=BODY, key=str(number)) for number in range(20)]
            posted = [
                house.wait_until(lambda: accepted(url, key=str(number)), seconds=120, what="a job")  # noqa: B023
                for number in range(20)
            ]
            for job_id in (*jobs, *posted):
                assert house.wait_for_end(job_id, seconds=180) == "succeeded"
            count = given_up()
        assert len(ask(f"{url}/v1/jobs?page_size=100")[2]["items"]) == 28
    refused = sum(status == 503 for status, _, _ in answers)
    print(
        f"F11: n={len(jobs) + len(posted)} jobs, at least {count} transactions given up, {refused} of 20 POSTs refused"
    )
    assert refused <= 1  # each was tried six times
    assert count >= 10
    for job_id in (*jobs, *posted):
        house.check(job_id, state="succeeded")
        assert told(house, job_id) == told(house, usual if job_id in jobs else undisturbed)
        assert (house.job(job_id).attempt, house.job(job_id).strikes) == (1, 0)
    assert [slot.poll() for slot in slots] == [None] * 4


@contextmanager
def api_on(url: str, home: Path, *, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Start the API on a database, and give the file that tells its address once it is up."""
    env = {**os.environ, "WINNOW_DATABASE_URL": url, "WINNOW_HOME": str(home)}
    ready = home.with_name(f"{home.name}-ready.json")
    command = [*SERVER, "api", "--port", "0", "--ready-file", str(ready)]
    with log.open("ab") as output, subprocess.Popen(command, env=env, stdout=output, stderr=output) as process:
        try:
            yield process, ready
        finally:
            process.terminate()


@pytest.fixture
def bare(backend: Backend) -> Iterator[str]:
    """The address of a database in which nothing is."""
    url = backend.new(migrated=False)
    yield url
    backend.drop(url)


def test_f24_two_services_that_migrate_an_empty_database_at_once_do_it_once_and_both_serve(
    bare: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        with migration_held(bare) as waiting:
            started = [
                stack.enter_context(api_on(bare, tmp_path / name, log=tmp_path / f"{name}.log")) for name in ("a", "b")
            ]
            wait_until(lambda: waiting() == 2, seconds=60, what="both to wait for their turn")
        posted = set()
        for process, ready in started:
            wait_until(ready.exists, seconds=60, what="the API")
            status, _, document = ask(f"{json.loads(ready.read_text())['url']}/v1/jobs", body=BODY)
            assert (status, process.poll()) == (202, None)
            posted.add(document["id"])
        for _, ready in started:
            found = ask(f"{json.loads(ready.read_text())['url']}/v1/jobs")[2]["items"]
            assert {job["id"] for job in found} == posted
    with closing(Database.open(bare)) as database, database.read() as conn:
        before, newest = revisions(conn)
        assert before == newest
        assert len(conn.execute(text("SELECT version_num FROM alembic_version")).all()) == 1
    assert "Traceback" not in "".join((tmp_path / f"{name}.log").read_text() for name in ("a", "b"))


@contextmanager
def migration_held(url: str) -> Iterator[Callable[[], int]]:
    """Keep everybody from migrating for the length of a block, and tell how many wait for it."""
    if url.startswith("sqlite:"):
        lock = Path(f"{url.removeprefix('sqlite:///')}.migrate.lock")
        with lock.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            waits = f":{os.fstat(handle.fileno()).st_ino} "
            yield lambda: sum("->" in line and waits in line for line in Path("/proc/locks").read_text().splitlines())
        return
    with closing(Database.open(url)) as database, database.write() as conn:
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": migrations._LOCK})
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        yield lambda: int(conn.execute(waiting).scalar_one())


@pytest.mark.parametrize("verb", ["api", "worker", "up"])
def test_f24_a_database_of_a_newer_program_is_refused_and_left_as_it_is(
    database_url: str, verb: str, house: House
) -> None:
    with closing(Database.open(database_url)) as database:
        with database.write() as conn:
            conn.execute(text("UPDATE alembic_version SET version_num = 'r9999'"))
        home = house.settings.home.with_name("refused")
        env = house.environment() | {"WINNOW_DATABASE_URL": database_url, "WINNOW_HOME": str(home)}
        options = {"api": ["--port", "0"], "worker": ["--slots", "cpu=1"], "up": ["--port", "0", "--slots", "none"]}
        refused = subprocess.run([*SERVER, verb, *options[verb]], env=env, capture_output=True, text=True, timeout=60)
        assert refused.returncode == 2
        assert "r9999" in refused.stderr
        assert "newer winnow" in refused.stderr
        assert "Traceback" not in refused.stderr
        with database.read() as conn:
            assert conn.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "r9999"
            assert slots.listed(conn, within_seconds=60) == []

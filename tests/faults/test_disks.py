"""F13: the disk is full at a checkpoint, an artifact, an upload, the database; it is said, and what was kept stays."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from jobs import tables
from jobs.blobs import open_blobs
from jobs.blobs.naming import INCOMING
from jobs.database import Database
from tests.faults.conftest import mounted

if TYPE_CHECKING:
    from tests.databases import Backend
    from tests.faults.conftest import House
    from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.processes

RECIPE = {"levels": 3, "steps": 10, "step_seconds": 0.1, "checkpoint_at": 3}
EVERY_STEP = {f"step {level} {step}" for level in range(3) for step in range(10)}
LARGE = {"levels": 1, "artifact_bytes": 12 << 20}
MIB = 1 << 20


def fill(folder: Path) -> Path:
    """Take all the room there is on the file system of a folder, and give the file that does."""
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (MIB, 4096):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    return ballast


def committed(house: House, job_id: str) -> list[Any]:
    """Give the rows of a job's checkpoints, newest first."""
    mine = select(tables.checkpoint).where(tables.checkpoint.c.job_id == job_id)
    with house.database.read() as conn:
        return list(conn.execute(mine.order_by(tables.checkpoint.c.number.desc())).all())


def assert_whole(house: House, sha256: str) -> None:
    with open_blobs(house.settings).open(sha256) as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == sha256


def struck(house: House, job_id: str) -> list[str]:
    return [event["data"]["reason"] for event in house.events(job_id, "worker_lost")]


def being_written(house: House) -> list[Path]:
    return list((house.settings.paths.blobs / INCOMING).iterdir())


def test_f13_a_run_without_room_for_its_checkpoint_goes_on_from_the_one_before_when_there_is_room(house: House) -> None:
    attempts = house.settings.paths.attempts
    with mounted(attempts, megabytes=16):
        house.start_slot()
        job_id = house.submit(RECIPE)
        house.wait_for_event(job_id, "checkpoint_saved", count=3)
        ballast = fill(attempts)
        house.wait_until(lambda: struck(house, job_id), seconds=60, what="a strike")
        row = house.job(job_id)
        assert struck(house, job_id) == ["disk_full"]
        assert (row.state, row.reason) == ("queued", "disk_full")
        kept = committed(house, job_id)
        for checkpoint in kept:
            assert_whole(house, checkpoint.sha256)
        ballast.unlink()
        assert house.wait_for_end(job_id) == "succeeded"
        house.check(job_id, state="succeeded")
        assert house.events(job_id, "started")[-1]["data"]["resumed_from"]["checkpoint"] == kept[0].number
        assert (house.job(job_id).attempt, house.job(job_id).strikes) == (2, 0)
        assert set(house.printed_steps(job_id)) == EVERY_STEP
        house.end_slots()


@pytest.mark.slow
@pytest.mark.backends("sqlite")  # the stand-in above is tried on both
def test_f13_a_training_without_room_for_its_checkpoint_goes_on_from_the_one_before_when_there_is_room(
    tmp_path: Path, open_training_house: Callable[[Path], AbstractContextManager[House]]
) -> None:
    recipe = {"search": "iterative", "levels": 1, "training": {"length": "4000it"}, "evidence": "none", "seed": 3}
    with open_training_house(tmp_path / "home") as house, mounted(house.settings.paths.attempts, megabytes=64):
        house.start_slot("inspect")
        house.start_slot(WINNOW_CHECKPOINT_SECONDS="0.5")
        job_id = house.submit_training(recipe)
        house.wait_for_event(job_id, "checkpoint_saved", count=2, seconds=180)
        ballast = fill(house.settings.paths.attempts)
        house.wait_until(lambda: struck(house, job_id), seconds=60, what="a strike")
        assert struck(house, job_id) == ["disk_full"]
        kept = committed(house, job_id)
        for checkpoint in kept:
            assert_whole(house, checkpoint.sha256)
        ballast.unlink()
        assert house.wait_for_end(job_id, seconds=180) == "succeeded"
        house.check(job_id, state="succeeded")
        assert house.events(job_id, "started")[-1]["data"]["resumed_from"]["checkpoint"] == kept[0].number
        house.end_slots()


def test_f13_a_job_without_room_for_what_it_made_gets_it_stored_when_there_is_room(house: House) -> None:
    blobs = house.settings.paths.blobs
    with mounted(blobs, megabytes=16):
        ballast = blobs / "ballast"
        ballast.write_bytes(bytes(8 * MIB))
        house.start_slot()
        job_id = house.submit(LARGE)
        house.wait_until(lambda: struck(house, job_id), seconds=60, what="a strike")
        ballast.unlink()
        assert house.wait_for_end(job_id) == "succeeded"
        house.check(job_id, state="succeeded")
        assert set(struck(house, job_id)) == {"disk_full"}
        assert being_written(house) == []
        house.end_slots()


def test_f13_a_job_that_never_finds_room_fails_as_that_keeps_its_checkpoint_and_leaves_nothing_half(
    house: House,
) -> None:
    with mounted(house.settings.paths.blobs, megabytes=16):
        house.start_slot()
        job_id = house.submit(LARGE | {"artifact_bytes": 20 * MIB})
        other = house.submit(RECIPE)
        assert house.wait_for_end(job_id) == "failed"
        house.check(job_id, state="failed")
        assert house.job(job_id).error["code"] == "disk_full"
        assert struck(house, job_id) == ["disk_full"] * 3
        assert house.artifacts(job_id) == {}
        assert being_written(house) == []
        assert_whole(house, committed(house, job_id)[0].sha256)
        assert house.wait_for_end(other) == "succeeded"
        house.end_slots()


def test_f13_a_slot_takes_no_job_while_the_disk_of_its_blobs_is_full(house: House) -> None:
    blobs = house.settings.paths.blobs
    with mounted(blobs, megabytes=16):
        ballast = fill(blobs)
        house.start_slot()
        job_id = house.submit(RECIPE)

        def says() -> bool:
            with house.database.read() as conn:
                return list(conn.execute(select(tables.slot.c.blocked)).scalars()) == ["disk_full"]

        house.wait_until(says, seconds=30, what="the slot to say so")
        assert house.job(job_id).state == "queued"
        ballast.unlink()
        assert house.wait_for_end(job_id) == "succeeded"
        assert house.job(job_id).attempt == 1
        house.end_slots()


def put_in_two(url: str, sha256: str, body: bytes, *, between: Callable[[], object]) -> tuple[int, dict[str, Any]]:
    """Send bytes, do something after the first half, and give the answer."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)) as conn:
        conn.putrequest("PUT", f"/v1/blobs/{sha256}")
        conn.putheader("Content-Length", str(len(body)))
        conn.putheader("Content-Type", "application/octet-stream")
        conn.endheaders()
        conn.send(body[:MIB])
        between()
        conn.send(body[MIB:])
        answer = conn.getresponse()
        return answer.status, json.loads(answer.read())


@pytest.mark.parametrize(
    ("more", "announced", "expected"),
    [
        (MIB, True, (507, "insufficient_storage")),  # found while it is written
        (1000, True, (507, "insufficient_storage")),  # found when what is left in memory is written at the end
        (1000, False, (422, "digest_mismatch")),
    ],
)
def test_f13_an_upload_that_fills_the_disk_is_refused_and_leaves_nothing(
    more: int, announced: bool, expected: tuple[int, str], house: House
) -> None:
    blobs = house.settings.paths.blobs
    body = os.urandom(MIB + more)
    sha256 = hashlib.sha256(body if announced else b"").hexdigest()
    with mounted(blobs, megabytes=80), house.api() as url:

        def fill_while_it_is_written() -> None:
            def there() -> bool:
                return [path.stat().st_size for path in being_written(house)] == [MIB]

            if more >= MIB:  # a batch is written when the next one begins
                fill(blobs)
                return
            house.wait_until(there, seconds=30, what="the first half")
            fill(blobs)

        status, problem = put_in_two(url, sha256, body, between=fill_while_it_is_written)
        assert (status, problem["code"]) == expected
        assert being_written(house) == []
        assert list(open_blobs(house.settings).names()) == []
        (blobs / "ballast").unlink()
        right = hashlib.sha256(body).hexdigest()
        status, kept = put_in_two(url, right, body, between=lambda: None)
        assert (status, kept) == (201, {"sha256": right, "bytes": len(body)})
        assert_whole(house, right)


def test_f13_an_upload_that_cannot_fit_is_refused_before_it_is_read(house: House) -> None:
    with mounted(house.settings.paths.blobs, megabytes=80), house.api() as url:
        conn = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        with closing(conn):
            conn.putrequest("PUT", f"/v1/blobs/{'0' * 64}")
            conn.putheader("Content-Length", str(30 * MIB))
            conn.endheaders()  # and not a byte of it
            answer = conn.getresponse()
            assert (answer.status, json.loads(answer.read())["code"]) == (507, "insufficient_storage")
        assert being_written(house) == []


@pytest.fixture
def small_database(
    backend: Backend, tmp_path: Path, start_postgres: Callable[..., PostgresServer]
) -> Iterator[tuple[str, Path]]:
    """An empty, migrated database on a small file system, and a folder there."""
    if backend.name == "sqlite":
        folder = tmp_path / "database"
        folder.mkdir()
        with mounted(folder, megabytes=8):
            url = f"sqlite:///{folder}/winnow.db"
            migrate(url)
            yield url, folder
        return
    server = start_postgres()
    folder = server.folder / "small"
    folder.mkdir()
    with mounted(folder, megabytes=48):
        # The tables alone: without room for its write-ahead log PostgreSQL itself goes down, which is an outage.
        space = folder / "space"
        space.mkdir()
        os.chown(space, server.folder.stat().st_uid, server.folder.stat().st_gid)
        server.say(f"CREATE TABLESPACE small LOCATION '{space}'", "CREATE DATABASE winnow TABLESPACE small")
        migrate(server.url("winnow"))
        yield server.url("winnow"), folder
        server.stop()


def migrate(url: str) -> None:
    with closing(Database.open(url)) as database:
        database.migrate()


def post(url: str, key: str) -> tuple[int, Any, Any]:
    """Submit a job under a key and give status, document and headers, be it refused."""
    body = {
        "model": {"architecture": "mlp", "seed": 1},
        "dataset": {"uri": "builtin:digits"},
        "recipe": {"search": "iterative", "levels": 1, "evidence": "none", "seed": 0},
        "labels": {"filler": "x" * 60},
    }
    request = urllib.request.Request(
        f"{url}/v1/jobs",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": key},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer), answer.headers
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused), refused.headers


def test_f13_a_database_without_room_refuses_what_it_cannot_keep_loses_nothing_and_goes_on(
    small_database: tuple[str, Path],
    tmp_path: Path,
    open_house: Callable[..., AbstractContextManager[House]],
    stand_in: list[str],
) -> None:
    database_url, folder = small_database
    home = tmp_path / "home"
    with open_house(home, stand_in, database_url=database_url) as house, house.api() as url:
        house.start_slot("inspect")
        slot = house.start_slot()
        status, first, _ = post(url, "first")
        assert status == 202
        assert house.wait_for_end(first["id"]) == "succeeded"
        running = house.submit(RECIPE | {"step_seconds": 0.5})
        house.wait_for_event(running, "checkpoint_saved")
        ballast = fill(folder)
        accepted = {"first": first["id"]}
        for number in range(300):
            status, document, headers = post(url, f"key-{number}")
            if status != 202:
                break
            accepted[f"key-{number}"] = document["id"]
        assert (status, document["code"]) == (503, "database_unavailable")
        assert "no room" in document["detail"]
        assert int(headers["Retry-After"]) > 0
        with urllib.request.urlopen(f"{url}/v1/jobs/{first['id']}", timeout=60) as answer:
            assert json.load(answer)["state"] == "succeeded"
        time.sleep(house.settings.lease_ttl_seconds + 1)  # leases may run out meanwhile, which is nobody's strike
        ballast.unlink()
        for job_id in (*accepted.values(), running):
            assert house.wait_for_end(job_id, seconds=180) == "succeeded"
            house.check(job_id, state="succeeded")
        assert set(house.printed_steps(running)) == EVERY_STEP
        assert house.events(running, "worker_lost") == []
        assert slot.poll() is None
        for key, job_id in accepted.items():  # answered before, and still the same
            assert post(url, key)[1]["id"] == job_id
        status, late, _ = post(url, f"key-{number}")
        assert status == 202
        assert house.wait_for_end(late["id"]) == "succeeded"
        searches = select(func.count()).select_from(tables.job).where(tables.job.c.kind == "search")
        with house.database.read() as conn:
            assert conn.execute(searches).scalar_one() == len(accepted) + 2
        house.end_slots()

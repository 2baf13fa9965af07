"""F14: a checkpoint is cut, altered or gone from the store; that is found, and the run goes on from what is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore
import pytest
from sqlalchemy import select

from jobs import leases, tables
from jobs.blobs import BlobFolder, open_blobs
from jobs.blobs.addressing import Bucket, obstore_of
from jobs.blobs.naming import key_of

if TYPE_CHECKING:
    from tests.faults.conftest import House

    OpenHouse = Callable[[Path], AbstractContextManager[House]]

pytestmark = pytest.mark.processes

RECIPE = {"levels": 3, "steps": 10, "step_seconds": 0.1, "checkpoint_at": 3}
TRAINING = {
    "search": "iterative",
    "levels": 2,
    "training": {"length": "4000it", "evaluate_every": "1000it"},
    "evidence": "none",
    "seed": 3,
}
BITS = ("ticket.safetensors", "model.safetensors", "mask.safetensors", "sparse.safetensors")


def cut(content: bytes) -> bytes | None:
    return content[: len(content) // 2]


def altered(content: bytes) -> bytes | None:
    """Flip one bit in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def gone(content: bytes) -> bytes | None:
    return None


Damage = Callable[[bytes], bytes | None]
DAMAGES = (cut, altered, gone)


def harm(house: House, sha256: str, damage: Damage) -> None:
    """Damage a blob where it lies, in the folder or in the bucket."""
    blobs = open_blobs(house.settings)
    with blobs.open(sha256) as file:
        content = damage(file.read())
    if isinstance(blobs, BlobFolder):
        path = blobs.path(sha256)
        path.unlink() if content is None else path.write_bytes(content)
        return
    settings = house.settings
    assert settings.blob_url is not None
    assert settings.s3_secret_access_key is not None
    name, _, prefix = settings.blob_url.removeprefix("s3://").partition("/")
    secret = settings.s3_secret_access_key.get_secret_value()
    bucket = Bucket(name, prefix, settings.s3_endpoint, None, settings.s3_region, settings.s3_access_key_id, secret)
    store = obstore_of(bucket, request_seconds=30)
    if content is None:
        obstore.delete(store, key_of(sha256))
    else:
        obstore.put(store, key_of(sha256), content)


def committed(house: House, job_id: str) -> list[Any]:
    """Give the rows of a job's checkpoints, newest first."""
    mine = select(tables.checkpoint).where(tables.checkpoint.c.job_id == job_id)
    with house.database.read() as conn:
        return list(conn.execute(mine.order_by(tables.checkpoint.c.number.desc())).all())


def paused_inside_a_level(house: House, job_id: str, *, seconds: float = 60) -> list[Any]:
    """Pause a job inside its second level, and give its checkpoints, newest first."""

    def inside() -> bool:
        saved = [event["data"]["where"] for event in house.events(job_id, "checkpoint_saved")]
        return any(where["level"] == 1 and where["step"] > 0 for where in saved)

    house.wait_until(inside, seconds=seconds, what="a checkpoint inside level 1")
    leases.request_pause(house.database, tenant="default", job_id=job_id, pause_seconds=3600)
    house.wait_until(lambda: house.job(job_id).state == "paused", seconds=30, what="the pause")
    rows = committed(house, job_id)
    assert len(rows) == 2
    return rows


def resume(house: House, job_id: str) -> None:
    leases.request_resume(house.database, tenant="default", job_id=job_id)
    house.hint()


def assert_kept_checkpoint_is_whole(house: House, job_id: str, target: Path) -> None:
    (kept,) = committed(house, job_id)
    open_blobs(house.settings).fetch(kept.sha256, to=target)


@pytest.mark.parametrize("damage", DAMAGES)
def test_f14_a_run_whose_newest_checkpoint_is_damaged_goes_on_from_the_one_before(
    damage: Damage, house: House, tmp_path: Path
) -> None:
    house.start_slot()
    job_id = house.submit(RECIPE)
    newest, before = paused_inside_a_level(house, job_id)
    harm(house, newest.sha256, damage)
    resume(house, job_id)
    assert house.wait_for_end(job_id) == "succeeded"
    house.check(job_id, state="succeeded")
    assert house.events(job_id, "started")[-1]["data"]["resumed_from"]["checkpoint"] == before.number
    assert (house.job(job_id).attempt, house.job(job_id).strikes) == (2, 0)
    assert [event["data"]["level"] for event in house.events(job_id, "level_completed")] == [0, 1, 2]
    assert_kept_checkpoint_is_whole(house, job_id, tmp_path / "kept")


@pytest.mark.parametrize("damage", DAMAGES)
def test_f14_a_run_none_of_whose_checkpoints_is_whole_starts_over_and_succeeds(
    damage: Damage, house: House, tmp_path: Path
) -> None:
    house.start_slot()
    job_id = house.submit(RECIPE)
    newest, before = paused_inside_a_level(house, job_id)
    for checkpoint in (newest, before):
        harm(house, checkpoint.sha256, damage)
    resume(house, job_id)
    assert house.wait_for_end(job_id) == "succeeded"
    house.check(job_id, state="succeeded")
    assert house.events(job_id, "started")[-1]["data"]["resumed_from"] is None
    assert house.printed_steps(job_id).count("step 0 0") == 2
    assert (house.job(job_id).attempt, house.job(job_id).strikes) == (2, 0)
    assert [event["data"]["level"] for event in house.events(job_id, "level_completed")] == [0, 1, 2]
    assert_kept_checkpoint_is_whole(house, job_id, tmp_path / "kept")


def test_f14_what_is_put_again_takes_the_place_of_what_was_damaged(house: House, tmp_path: Path) -> None:
    blobs = open_blobs(house.settings)
    content = tmp_path / "content"
    content.write_bytes(bytes(range(256)) * 100)
    for number, damage in enumerate((cut, gone) if not isinstance(blobs, BlobFolder) else DAMAGES):
        with content.open("rb") as file:
            stored = blobs.put(file)
        harm(house, stored.sha256, damage)
        with content.open("rb") as file:
            assert blobs.put(file) == stored
        blobs.fetch(stored.sha256, to=tmp_path / f"back-{number}")


@pytest.fixture(scope="module")
def training_house(tmp_path_factory: pytest.TempPathFactory, open_training_house: OpenHouse) -> Iterator[House]:
    """A house whose slots train, with the dataset inspected."""
    with open_training_house(tmp_path_factory.mktemp("damaged") / "home") as house:
        house.start_slot("inspect")
        house.start_slot(WINNOW_CHECKPOINT_SECONDS="0.5")
        yield house


@pytest.fixture(scope="module")
def undisturbed(training_house: House) -> dict[str, str]:
    """What the job makes when nothing happens to its checkpoints."""
    job_id = training_house.submit_training(TRAINING)
    assert training_house.wait_for_end(job_id, seconds=240) == "succeeded"
    made = training_house.artifacts(job_id)
    return {name: made[name] for name in BITS}


@pytest.mark.slow
@pytest.mark.backends("postgresql")  # no bits hang on the database; with this one checkpoints come back from S3
@pytest.mark.parametrize(("damage", "harmed"), [(altered, 1), (gone, 2)])
def test_f14_a_training_whose_checkpoints_are_damaged_ends_with_the_bits_of_an_undisturbed_one(
    damage: Damage, harmed: int, training_house: House, undisturbed: dict[str, str]
) -> None:
    house = training_house
    job_id = house.submit_training(TRAINING)
    rows = paused_inside_a_level(house, job_id, seconds=240)
    for checkpoint in rows[:harmed]:
        harm(house, checkpoint.sha256, damage)
    resume(house, job_id)
    assert house.wait_for_end(job_id, seconds=240) == "succeeded"
    house.check(job_id, state="succeeded")
    assert house.job(job_id).attempt == 2
    resumed = house.events(job_id, "started")[-1]["data"]["resumed_from"]
    warned = [event["data"]["code"] for event in house.events(job_id, "warning")]
    if harmed == 1:
        assert resumed["checkpoint"] == rows[1].number
        assert "checkpoints_damaged" not in warned
    else:
        assert resumed is None
        assert warned.count("checkpoints_damaged") == 1
    made = house.artifacts(job_id)
    assert {name: made[name] for name in BITS} == undisturbed

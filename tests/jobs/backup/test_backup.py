"""jobs.backup: what was kept is there again, on whatever database and store, or nothing is."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from jobs import grants, leases, tables
from jobs.backup import back_up, restore
from jobs.backup.manifest import TRANSIENT
from jobs.blobs import Blobs, open_blobs
from jobs.database import Database
from jobs.errors import BackupError, HoldTakenError
from jobs.keeping.collection import collect
from jobs.leases import Checkpoint, NewArtifact, Succeeded
from jobs.settings import Settings

if TYPE_CHECKING:
    from tests.object_store import ObjectStore

DATA = [b"", b"weights" * 1000, bytes(range(256)) * 50_000]


@dataclass
class Place:
    """A database and a store."""

    database: Database
    blobs: Blobs

    def rows(self) -> dict[str, list[str]]:
        with self.database.read() as conn:
            return {
                name: sorted(json.dumps(dict(row), sort_keys=True) for row in conn.execute(select(table)).mappings())
                for name, table in tables.METADATA.tables.items()
                if name not in TRANSIENT
            }

    def bytes(self) -> dict[str, int]:
        return {blob.sha256: blob.bytes for blob in self.blobs.names()}


MakePlace = Callable[[str], Place]


@pytest.fixture
def make_place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MakePlace]:
    """Make empty ones: `sqlite+folder`, `sqlite+s3`, `postgresql+folder`, `postgresql+s3`."""
    with ExitStack() as stack:

        def make(kind: str) -> Place:
            kind_of_database, _, kind_of_store = kind.partition("+")
            home = tmp_path / f"{len(list(tmp_path.iterdir()))}"
            store: dict[str, Any] = {}
            if kind_of_store == "s3":
                shared: ObjectStore = request.getfixturevalue("object_store")
                store = shared.bucket()
            settings = Settings(home=home, **store)
            settings.paths.make()
            url = settings.database
            if kind_of_database == "postgresql":
                server = request.getfixturevalue("postgres_server")
                name = f"backup_{abs(hash(home))}"
                server.say(f"CREATE DATABASE {name}")
                stack.callback(server.say, f"DROP DATABASE {name} WITH (FORCE)")
                url = server.url(name)
            database = Database.open(url)
            stack.callback(database.close)
            database.migrate()
            return Place(database, open_blobs(settings))

        yield make


@pytest.fixture
def lived_in(bench: Any, tmp_path: Path, blob_settings: Callable[[Path], dict[str, Any]]) -> Place:
    """A place with a job that is done, one that runs, one that waits, and bytes of all three."""
    settings = Settings(home=tmp_path / "source", **blob_settings(tmp_path))
    settings.paths.make()
    place = Place(bench.db, open_blobs(settings))
    stored = [place.blobs.put(io.BytesIO(data)) for data in DATA]
    done = bench.running(name="naïve \u202e \\ \" '", labels={"a": "b"})
    with bench.db.write() as conn:
        for one in stored:
            grants.grant(conn, tenant="ada", stored=one)
    made = NewArtifact("ticket.safetensors", stored[1].sha256, stored[1].bytes, "application/octet-stream", None)
    outcome = Succeeded(artifacts=[made], gate=None, best=None, cost={"used_flops": 0.1 + 0.2}, summary={"n": 3})
    leases.finish(bench.db, done.lease, outcome=outcome)
    running = bench.running()
    checkpoint = Checkpoint(1, stored[2].sha256, stored[2].bytes, {"replicate": 0, "level": 0, "step": 1}, {})
    leases.commit(bench.db, running.lease, checkpoint=checkpoint)
    bench.submit()
    return place


KINDS = ["sqlite+folder", "sqlite+s3", "postgresql+folder", "postgresql+s3"]


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_there_again_on_any_database_and_store(
    lived_in: Place, make_place: MakePlace, kind: str, tmp_path: Path
) -> None:
    made = back_up(lived_in.database, lived_in.blobs, tmp_path / "backup")
    # What the tests' own inspection named without ever sending it.
    assert made.lost == ("c" * 64,)
    assert (made.blobs, made.bytes) == (len(DATA), sum(map(len, DATA)))
    before = lived_in.rows()
    place = make_place(kind)
    restore(place.database, place.blobs, tmp_path / "backup")
    assert place.bytes() == lived_in.bytes()
    after = place.rows()
    for name in ("blob", "blob_grant", "model", "dataset", "artifact", "checkpoint", "level", "idempotency"):
        assert after[name] == before[name]
    assert {name: len(rows) for name, rows in after.items() if name not in ("event", "counter", "attempt")} == {
        name: len(rows) for name, rows in before.items() if name not in ("event", "counter", "attempt")
    }
    untouched = [row for row in before["job"] if json.loads(row)["state"] != "running"]
    assert len(untouched) == len(before["job"]) - 1
    assert set(untouched) <= set(after["job"])


def test_a_job_that_ran_is_queued_again_without_a_strike(
    lived_in: Place, make_place: MakePlace, tmp_path: Path
) -> None:
    back_up(lived_in.database, lived_in.blobs, tmp_path / "backup")
    (ran,) = [json.loads(row) for row in lived_in.rows()["job"] if json.loads(row)["state"] == "running"]
    place = make_place("sqlite+folder")
    restore(place.database, place.blobs, tmp_path / "backup")
    (now,) = [json.loads(row) for row in place.rows()["job"] if json.loads(row)["id"] == ran["id"]]
    assert (now["state"], now["owner"], now["strikes"]) == ("queued", None, 0)
    assert not any(json.loads(row)["state"] == "running" for row in place.rows()["job"])


def test_a_grid_comes_before_its_children_whatever_their_names(
    bench: Any, make_place: MakePlace, tmp_path: Path
) -> None:
    first, second = sorted((bench.submit(), bench.submit()))
    with bench.db.write() as conn:
        conn.execute(tables.job.update().where(tables.job.c.id == first).values(parent_id=second))
    source = make_place("sqlite+folder")
    back_up(bench.db, source.blobs, tmp_path / "backup")
    place = make_place("sqlite+folder")
    restore(place.database, place.blobs, tmp_path / "backup")
    assert place.rows()["job"] == Place(bench.db, source.blobs).rows()["job"]


def test_the_rows_are_those_of_one_moment(
    lived_in: Place, bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs are submitted while tables are written: no job is in the copy without its model, or without its events."""
    from jobs.backup import making

    write_table = making._write_table

    def submit_then_write(*args: Any) -> Any:
        submitting = threading.Thread(target=lambda: bench.submit(model={"architecture": "mlp", "seed": 7}))
        submitting.start()
        submitting.join(60)
        return write_table(*args)

    monkeypatch.setattr(making, "_write_table", submit_then_write)
    jobs_before = len(lived_in.rows()["job"])
    made = back_up(lived_in.database, lived_in.blobs, tmp_path / "backup")
    assert made.tables["job"].rows == jobs_before < len(lived_in.rows()["job"])


def test_nothing_is_collected_while_bytes_are_copied(
    lived_in: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jobs.backup import making

    copy = making._copy_blobs

    def collect_first(*args: Any) -> Any:
        with pytest.raises(HoldTakenError, match="backup"):
            collect(lived_in.database, lived_in.blobs, after_seconds=0)
        return copy(*args)

    monkeypatch.setattr(making, "_copy_blobs", collect_first)
    back_up(lived_in.database, lived_in.blobs, tmp_path / "backup")
    collect(lived_in.database, lived_in.blobs, after_seconds=0)


def test_no_folder_with_anything_in_it_is_written_to(lived_in: Place, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "mine").write_text("mine")
    with pytest.raises(BackupError, match="empty folder"):
        back_up(lived_in.database, lived_in.blobs, tmp_path / "backup")
    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["mine"]


def test_nothing_is_restored_over_anything(lived_in: Place, tmp_path: Path) -> None:
    back_up(lived_in.database, lived_in.blobs, tmp_path / "backup")
    before = lived_in.rows()
    with pytest.raises(BackupError, match="empty database"):
        restore(lived_in.database, lived_in.blobs, tmp_path / "backup")
    assert lived_in.rows() == before


def cut_table(folder: Path) -> None:
    path = folder / "tables" / "job.jsonl"
    path.write_bytes(path.read_bytes()[:-5])


def lose_table(folder: Path) -> None:
    (folder / "tables" / "event.jsonl").unlink()


def flip_bit(folder: Path) -> None:
    path = max(folder.glob("blobs/*/*"), key=lambda path: path.stat().st_size)
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


def lose_blob(folder: Path) -> None:
    next(folder.glob("blobs/*/*")).unlink()


def lose_manifest(folder: Path) -> None:
    (folder / "backup.json").unlink()


def age_schema(folder: Path) -> None:
    told = json.loads((folder / "backup.json").read_text())
    (folder / "backup.json").write_text(json.dumps(told | {"revision": "0001"}))


def newer_format(folder: Path) -> None:
    told = json.loads((folder / "backup.json").read_text())
    (folder / "backup.json").write_text(json.dumps(told | {"format": 2}))


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut_table, "job.jsonl"),
        (lose_table, "event.jsonl"),
        (flip_bit, "damaged"),
        (lose_blob, "blobs of"),
        (lose_manifest, "cut short"),
        (age_schema, "schema"),
        (newer_format, "format"),
    ],
)
def test_a_backup_that_is_not_whole_leaves_the_database_empty(
    lived_in: Place, make_place: MakePlace, tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    back_up(lived_in.database, lived_in.blobs, tmp_path / "backup")
    damage(tmp_path / "backup")
    place = make_place("sqlite+folder")
    with pytest.raises(BackupError, match=reason):
        restore(place.database, place.blobs, tmp_path / "backup")
    with place.database.read() as conn:
        counts = [conn.execute(select(func.count()).select_from(table)).scalar() for table in making_tables()]
    assert set(counts) == {0}


def making_tables() -> list[Any]:
    return [table for name, table in tables.METADATA.tables.items() if name not in TRANSIENT]

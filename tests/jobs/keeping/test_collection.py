"""jobs.keeping.collection: what anything names stays, what nothing names goes, and nothing that was put lately goes."""

import hashlib
import io
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update

from jobs import grants, leases, tables
from jobs.blobs import BlobFolder, Blobs, Stored, open_blobs
from jobs.errors import HoldTakenError
from jobs.keeping import collection
from jobs.keeping.collection import collect
from jobs.keeping.holds import BYTES, held
from jobs.leases import Checkpoint, NewArtifact, Succeeded
from jobs.settings import Settings

OLD = 0.0
"""Everything is older than that."""


@pytest.fixture
def blobs(tmp_path: Path, blob_settings: Callable[[Path], dict[str, Any]]) -> Blobs:
    settings = Settings(home=tmp_path, **blob_settings(tmp_path))
    settings.paths.make()
    return open_blobs(settings)


def put(blobs: Blobs, data: bytes) -> Stored:
    return blobs.put(io.BytesIO(data))


def kept(blobs: Blobs) -> set[str]:
    return {blob.sha256 for blob in blobs.names()}


def test_what_nothing_names_goes_with_its_row(bench: Any, blobs: Blobs) -> None:
    never, forgotten = put(blobs, b"put and never named"), put(blobs, b"named once")
    with bench.db.write() as conn:
        grants.record(conn, tenant="ada", stored=forgotten)
    done = collect(bench.db, blobs, after_seconds=OLD)
    assert (done.blobs, done.bytes, done.kept) == (2, never.bytes + forgotten.bytes, 0)
    assert kept(blobs) == set()
    assert bench.count(tables.blob) == 0


def test_what_was_put_lately_stays(bench: Any, blobs: Blobs) -> None:
    stored = put(blobs, b"new")
    assert collect(bench.db, blobs, after_seconds=600).blobs == 0
    assert kept(blobs) == {stored.sha256}


def test_a_rehearsal_counts_and_deletes_nothing(bench: Any, blobs: Blobs) -> None:
    stored = put(blobs, b"new")
    assert collect(bench.db, blobs, after_seconds=OLD, rehearse=True).blobs == 1
    assert kept(blobs) == {stored.sha256}


@pytest.fixture
def named_by_everything(bench: Any, blobs: Blobs) -> dict[str, str]:
    """One blob per kind of name, by that kind."""
    made = {
        kind: put(blobs, kind.encode())
        for kind in ("grant", "artifact", "checkpoint", "log", "model", "dataset", "canonical", "origin")
    }
    taken = bench.running()
    told = made["checkpoint"]
    with bench.db.write() as conn:
        grants.grant(conn, tenant="ada", stored=made["grant"])
        for kind in ("checkpoint", "log", "canonical", "artifact"):
            grants.record(conn, tenant="ada", stored=made[kind])
    checkpoint = Checkpoint(1, told.sha256, told.bytes, {"replicate": 0, "level": 0, "step": 1}, {})
    leases.commit(bench.db, taken.lease, checkpoint=checkpoint)
    about = {"tenant": "ada", "warnings": [], "created_at": 0.0, "version": 1, "state": "ready"}
    of_job = {"tenant": "ada", "job_id": taken.lease.job_id, "created_at": 0.0}
    artifact = made["artifact"]
    with bench.db.write() as conn:
        row = {"name": "a.json", "sha256": artifact.sha256, "bytes": artifact.bytes, "attempt": 1, "media_type": "x"}
        conn.execute(insert(tables.artifact).values(of_job | row))
        conn.execute(update(tables.attempt).values(log_sha256=made["log"].sha256))
        values = {"id": "mdl_1", "sha256": made["model"].sha256, "architecture": "mlp", "arguments": {}}
        conn.execute(insert(tables.model).values(about | values | {"weights": "initial"}))
        conn.execute(insert(tables.dataset).values(about | {"id": "ds_1", "sha256": made["dataset"].sha256}))
        canonical = {"id": "ds_2", "uri": "x", "canonical_sha256": made["canonical"].sha256}
        conn.execute(insert(tables.dataset).values(about | canonical))
        origin = {"kind": "fork", "job": "job_0", "level": 1, "checkpoint": made["origin"].sha256}
        conn.execute(update(tables.job).values(origin=origin))
    return {kind: stored.sha256 for kind, stored in made.items()}


def test_what_anything_names_stays(bench: Any, blobs: Blobs, named_by_everything: dict[str, str]) -> None:
    assert collect(bench.db, blobs, after_seconds=OLD).blobs == 0
    assert kept(blobs) == set(named_by_everything.values())


@pytest.mark.parametrize(
    ("kind", "forget"),
    [
        ("grant", lambda conn: conn.execute(delete(tables.blob_grant))),
        ("artifact", lambda conn: conn.execute(delete(tables.artifact))),
        ("checkpoint", lambda conn: conn.execute(delete(tables.checkpoint))),
        ("log", lambda conn: conn.execute(update(tables.attempt).values(log_sha256=None))),
        ("model", lambda conn: conn.execute(delete(tables.model).where(tables.model.c.id == "mdl_1"))),
        ("dataset", lambda conn: conn.execute(delete(tables.dataset).where(tables.dataset.c.id == "ds_1"))),
        ("canonical", lambda conn: conn.execute(delete(tables.dataset).where(tables.dataset.c.id == "ds_2"))),
        ("origin", lambda conn: conn.execute(update(tables.job).values(origin=None))),
    ],
)
def test_what_is_named_no_longer_goes_and_nothing_else(
    bench: Any, blobs: Blobs, named_by_everything: dict[str, str], kind: str, forget: Any
) -> None:
    with bench.db.write() as conn:
        forget(conn)
    assert collect(bench.db, blobs, after_seconds=OLD).blobs == 1
    assert kept(blobs) == set(named_by_everything.values()) - {named_by_everything[kind]}


def test_a_job_that_is_done_no_longer_needs_its_start(
    bench: Any, blobs: Blobs, named_by_everything: dict[str, str]
) -> None:
    del named_by_everything
    start = hashlib.sha256(b"origin").hexdigest()
    with bench.db.write() as conn:
        done = {"state": "failed", "owner": None, "lease_until": None}
        conn.execute(update(tables.job).where(tables.job.c.kind == "search").values(done))
        conn.execute(update(tables.job).where(tables.job.c.kind != "search").values(origin=None))
    collect(bench.db, blobs, after_seconds=OLD)
    assert start not in kept(blobs)


def test_uploads_that_were_cut_short_go(bench: Any, blobs: Any) -> None:
    (blobs.incoming / "cut").write_bytes(b"half")
    assert collect(bench.db, blobs, after_seconds=600).incoming == 0
    os.utime(blobs.incoming / "cut", (0, 0))
    assert collect(bench.db, blobs, after_seconds=600).incoming == 1
    assert list(blobs.incoming.iterdir()) == []


def test_nothing_goes_while_a_backup_copies(bench: Any, blobs: Blobs) -> None:
    stored = put(blobs, b"forgotten")
    with held(bench.db, BYTES, purpose="backup"), pytest.raises(HoldTakenError, match="backup"):
        collect(bench.db, blobs, after_seconds=OLD)
    assert kept(blobs) == {stored.sha256}


def test_a_collection_whose_time_is_over_deletes_nothing_more(
    bench: Any, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = put(blobs, b"forgotten")
    forgotten = collection._forgotten

    def lose_the_hold(*args: Any) -> Any:
        with bench.db.write() as conn:
            conn.execute(update(tables.hold).values(owner="somebody else"))
        return forgotten(*args)

    monkeypatch.setattr(collection, "_forgotten", lose_the_hold)
    with pytest.raises(HoldTakenError, match="time was over"):
        collect(bench.db, blobs, after_seconds=OLD)
    assert kept(blobs) == {stored.sha256}


def test_what_was_named_since_it_was_listed_stays(bench: Any, blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = put(blobs, b"late")
    forgotten = collection._forgotten

    def name_it(*args: Any) -> Any:
        found = forgotten(*args)
        with bench.db.write() as conn:
            grants.grant(conn, tenant="ada", stored=stored)
        return found

    monkeypatch.setattr(collection, "_forgotten", name_it)
    assert collect(bench.db, blobs, after_seconds=OLD).blobs == 0
    assert kept(blobs) == {stored.sha256}


def test_whoever_names_a_blob_while_it_is_deleted_waits_and_makes_its_row_anew(bench: Any, blobs: Blobs) -> None:
    """The grant is written after the deletion; who has written it then finds that the bytes are gone."""
    stored = put(blobs, b"contended")
    with bench.db.write() as conn:
        grants.record(conn, tenant="ada", stored=stored)
    deleting, named = threading.Event(), threading.Event()

    def name_it() -> None:
        deleting.wait(10)
        with bench.db.write() as conn:
            grants.grant(conn, tenant="ada", stored=stored)
        named.set()

    class Slow:
        """A store in which a deletion takes a while."""

        def __getattr__(self, name: str) -> Any:
            return getattr(blobs, name)

        def delete(self, sha256: str, *, idle_seconds: float = 0) -> bool:
            deleting.set()
            time.sleep(0.5)
            assert not named.is_set()
            return blobs.delete(sha256, idle_seconds=idle_seconds)

    thread = threading.Thread(target=name_it)
    thread.start()
    collect(bench.db, Slow(), after_seconds=OLD)  # type: ignore[arg-type]
    thread.join(30)
    assert named.is_set()
    assert not blobs.exists(stored.sha256)
    with bench.db.read() as conn:
        assert grants.granted(conn, tenant="ada", sha256=stored.sha256) == stored


def test_bytes_that_are_put_again_while_they_are_deleted_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder, between the look at the age and the deletion."""
    folder = BlobFolder(tmp_path)
    stored = put(folder, b"again")
    os.utime(folder.path(stored.sha256), (0, 0))
    rename = Path.rename

    def put_first(self: Path, target: Path) -> Path:
        if target.name.startswith("deleting-"):
            put(folder, b"again")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", put_first)
    assert not folder.delete(stored.sha256, idle_seconds=600)
    assert folder.exists(stored.sha256)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_collecting_is_deleting_what_is_neither_named_nor_young(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """On any store and any names: the same as the sentence says, whatever was there."""
    from jobs.database import Database

    home = tmp_path_factory.mktemp("home")
    database, folder = Database.open(f"sqlite:///{home}/w.db"), BlobFolder(home / "blobs")
    database.migrate()
    made = data.draw(st.lists(st.tuples(st.binary(min_size=1, max_size=4), st.booleans(), st.booleans()), max_size=8))
    stays = set()
    for content, is_named, is_young in {content: (content, n, y) for content, n, y in made}.values():
        stored = put(folder, content)
        if not is_young:
            os.utime(folder.path(stored.sha256), (0, 0))
        if is_named:
            with database.write() as conn:
                grants.grant(conn, tenant="ada", stored=stored)
        if is_named or is_young:
            stays.add(stored.sha256)
    collect(database, folder, after_seconds=600)
    assert kept(folder) == stays
    assert collect(database, folder, after_seconds=600).blobs == 0
    database.close()


def test_a_finished_job_keeps_all_it_made(bench: Any, blobs: Blobs) -> None:
    taken = bench.running()
    stored = put(blobs, b"ticket")
    made = NewArtifact("ticket.safetensors", stored.sha256, stored.bytes, "application/octet-stream", None)
    leases.finish(bench.db, taken.lease, outcome=Succeeded(artifacts=[made], gate=None, best=None, cost={}, summary={}))
    collect(bench.db, blobs, after_seconds=OLD)
    assert stored.sha256 in kept(blobs)

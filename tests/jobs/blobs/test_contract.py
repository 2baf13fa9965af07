"""jobs.blobs, whichever the store: whole or not there at all, named by what they hold, and never twice."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.blobs import Blobs
from jobs.errors import BlobDamagedError, BlobMissingError, DigestError, TooLargeError

HELLO = hashlib.sha256(b"hello").hexdigest()
BIG = bytes(range(256)) * (20 << 12)
"""Several parts."""
NO_NAMES = ["", "../../etc/passwd", "A" * 64, HELLO + "\n", HELLO[:-1] + "/"]

same_store = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)


def kept(store: Blobs) -> dict[str, int]:
    return {blob.sha256: blob.bytes for blob in store.names()}


def incoming(store: Any) -> list[Path]:
    return list(store.incoming.iterdir())


@same_store
@given(parts=st.lists(st.binary(max_size=100), max_size=5))
def test_what_is_written_in_parts_is_read_back_whole(store: Blobs, parts: list[bytes], tmp_path: Path) -> None:
    with store.writer() as writer:
        for part in parts:
            writer.write(part)
        stored = writer.finish()
    whole = b"".join(parts)
    assert (stored.sha256, stored.bytes) == (hashlib.sha256(whole).hexdigest(), len(whole))
    with store.open(stored.sha256) as file:
        assert file.read() == whole
    (tmp_path / "copy").unlink(missing_ok=True)
    store.fetch(stored.sha256, to=tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == whole


@same_store
@given(first=st.integers(0, 120), count=st.integers(0, 120), seek=st.integers(-100, 0))
def test_a_part_is_the_part_of_the_whole(store: Blobs, first: int, count: int, seek: int) -> None:
    whole = bytes(range(100))
    sha256 = store.put(io.BytesIO(whole)).sha256
    if first < len(whole):
        assert store.read_range(sha256, first=first, count=count) == whole[first : first + count]
    with store.open(sha256) as file:
        file.seek(seek, io.SEEK_END)
        assert file.read(count) == whole[100 + seek :][:count]
        assert file.seek(first) == file.tell() == first
        assert file.read() == whole[first:]


def test_one_of_many_parts_is_kept_whole(store: Blobs, tmp_path: Path) -> None:
    stored = store.put(io.BytesIO(BIG))
    store.fetch(stored.sha256, to=tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == BIG
    assert kept(store) == {stored.sha256: len(BIG)}
    assert store.clear_incoming(idle_seconds=0) == 0


def test_other_bytes_than_announced_are_refused_and_not_kept(store: Blobs) -> None:
    with pytest.raises(DigestError, match=HELLO):
        store.put(io.BytesIO(b"bye"), expected_sha256=HELLO)
    assert kept(store) == {}
    assert incoming(store) == []


def test_announced_bytes_are_kept(store: Blobs) -> None:
    assert not store.exists(HELLO)
    store.put(io.BytesIO(b"hello"), expected_sha256=HELLO)
    assert store.exists(HELLO)


def test_an_upload_that_breaks_off_leaves_nothing(store: Blobs) -> None:
    def break_off() -> None:
        with store.writer() as writer:
            writer.write(b"hel")
            raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        break_off()
    assert incoming(store) == []
    assert kept(store) == {}


def test_a_blob_is_not_there_before_it_is_finished(store: Blobs) -> None:
    with store.writer() as writer:
        writer.write(b"hello")
        assert not store.exists(HELLO)
        writer.finish()
    assert store.exists(HELLO)
    assert incoming(store) == []


@pytest.mark.parametrize("data", [b"hello", BIG], ids=["small", "big"])
def test_two_writers_of_the_same_bytes_both_succeed_and_make_one_blob(
    open_store: Callable[[], Blobs], data: bytes
) -> None:
    store = open_store()
    with store.writer() as one, open_store().writer() as other:
        for writer in (one, other):
            writer.write(data)
        assert one.finish() == other.finish()
    assert list(kept(store).values()) == [len(data)]
    assert incoming(store) == []


def test_more_bytes_than_accepted_are_refused_while_they_come(store: Blobs) -> None:
    with store.writer(max_bytes=4) as writer:
        writer.write(b"hell")
        with pytest.raises(TooLargeError, match="4 bytes"):
            writer.write(b"o")
    assert incoming(store) == []


def test_a_file_becomes_a_blob_and_stays(store: Blobs, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"hello")
    with (tmp_path / "file").open("rb") as source:
        assert store.put(source).sha256 == HELLO
    assert (tmp_path / "file").exists()


@pytest.mark.parametrize("name", NO_NAMES)
def test_only_a_sha256_names_a_blob(store: Blobs, name: str, tmp_path: Path) -> None:
    asks: list[Callable[[], object]] = [
        lambda: store.exists(name),
        lambda: store.open(name),
        lambda: store.read_range(name, first=0, count=1),
        lambda: store.fetch(name, to=tmp_path / "copy"),
        lambda: store.delete(name),
    ]
    for ask in asks:
        with pytest.raises(ValueError, match="64 lower-case"):
            ask()


def test_a_blob_that_is_not_there_says_so(store: Blobs, tmp_path: Path) -> None:
    asks: list[Callable[[], object]] = [
        lambda: store.open(HELLO),
        lambda: store.read_range(HELLO, first=0, count=1),
        lambda: store.fetch(HELLO, to=tmp_path / "copy"),
    ]
    for ask in asks:
        with pytest.raises(BlobMissingError, match=HELLO):
            ask()
    assert not (tmp_path / "copy").exists()


def test_a_copy_replaces_no_file(store: Blobs, tmp_path: Path) -> None:
    store.put(io.BytesIO(b"hello"))
    (tmp_path / "copy").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        store.fetch(HELLO, to=tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"mine"


def test_a_damaged_blob_is_not_handed_out(store: Blobs, damage: Callable[[str, bytes], None], tmp_path: Path) -> None:
    store.put(io.BytesIO(b"hello"))
    damage(HELLO, b"hellO")
    with pytest.raises(BlobDamagedError, match=HELLO):
        store.fetch(HELLO, to=tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_blob_that_was_cut_is_healed_by_whoever_puts_it_again(
    store: Blobs, damage: Callable[[str, bytes], None], tmp_path: Path
) -> None:
    store.put(io.BytesIO(b"hello"))
    damage(HELLO, b"hel")
    store.put(io.BytesIO(b"hello"))
    store.fetch(HELLO, to=tmp_path / "copy")


def test_a_deleted_blob_is_gone_and_can_be_put_again(store: Blobs) -> None:
    store.put(io.BytesIO(b"hello"))
    assert store.delete(HELLO)
    assert not store.exists(HELLO)
    assert not store.delete(HELLO)
    store.put(io.BytesIO(b"hello"))
    assert kept(store) == {HELLO: 5}
    assert incoming(store) == []


def test_a_blob_that_was_put_lately_is_not_deleted(store: Blobs) -> None:
    store.put(io.BytesIO(b"hello"))
    assert not store.delete(HELLO, idle_seconds=600)
    assert store.exists(HELLO)
    (found,) = store.names()
    assert found.age_seconds < 600

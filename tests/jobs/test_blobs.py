"""jobs.blobs: whole or not there at all, named by what they hold, and never twice."""

import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.blobs import BlobFolder
from jobs.errors import DigestError, TooLargeError

HELLO = hashlib.sha256(b"hello").hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "blobs")


@given(parts=st.lists(st.binary(max_size=100), max_size=5))
def test_what_is_written_in_parts_is_read_back_whole(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]
) -> None:
    folder = BlobFolder(tmp_path_factory.mktemp("blobs"))
    with folder.writer() as writer:
        for part in parts:
            writer.write(part)
        stored = writer.finish()
    whole = b"".join(parts)
    assert (stored.sha256, stored.bytes) == (hashlib.sha256(whole).hexdigest(), len(whole))
    assert folder.path(stored.sha256).read_bytes() == whole


def test_other_bytes_than_announced_are_refused_and_not_kept(folder: BlobFolder) -> None:
    with pytest.raises(DigestError, match=HELLO):
        folder.put(io.BytesIO(b"bye"), expected_sha256=HELLO)
    assert not folder.exists(HELLO)
    assert list(folder.incoming.iterdir()) == []


def test_announced_bytes_are_kept(folder: BlobFolder) -> None:
    folder.put(io.BytesIO(b"hello"), expected_sha256=HELLO)
    assert folder.exists(HELLO)


def test_an_upload_that_breaks_off_leaves_nothing(folder: BlobFolder) -> None:
    def break_off() -> None:
        with folder.writer() as writer:
            writer.write(b"hel")
            raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        break_off()
    assert list(folder.incoming.iterdir()) == []
    assert not folder.exists(HELLO)


def test_a_blob_is_not_there_before_it_is_finished(folder: BlobFolder) -> None:
    with folder.writer() as writer:
        writer.write(b"hello")
        assert not folder.exists(HELLO)
        writer.finish()
    assert folder.exists(HELLO)


def test_the_same_bytes_twice_are_one_blob_that_is_left_alone(folder: BlobFolder) -> None:
    folder.put(io.BytesIO(b"hello"))
    first = folder.path(HELLO).stat()
    folder.put(io.BytesIO(b"hello"))
    assert folder.path(HELLO).stat().st_ino == first.st_ino
    assert list(folder.incoming.iterdir()) == []


def test_two_writers_of_the_same_bytes_both_succeed(folder: BlobFolder) -> None:
    with folder.writer() as one, folder.writer() as other:
        for writer in (one, other):
            writer.write(b"hello")
        assert one.finish() == other.finish()


def test_more_bytes_than_accepted_are_refused_while_they_come(folder: BlobFolder) -> None:
    with folder.writer(max_bytes=4) as writer:
        writer.write(b"hell")
        with pytest.raises(TooLargeError, match="4 bytes"):
            writer.write(b"o")
    assert list(folder.incoming.iterdir()) == []


def test_a_file_becomes_a_blob_and_stays(folder: BlobFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"hello")
    with (tmp_path / "file").open("rb") as source:
        assert folder.put(source).sha256 == HELLO
    assert (tmp_path / "file").exists()


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, HELLO + "\n", HELLO[:-1] + "/"])
def test_only_a_sha256_names_a_blob(folder: BlobFolder, name: str) -> None:
    with pytest.raises(ValueError, match="64 lower-case"):
        folder.path(name)

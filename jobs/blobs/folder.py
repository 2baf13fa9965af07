"""Blobs on disk.

FOLDER/
├── ab/abcdef…      one file per blob, never changed once it is there
└── incoming/       what is being written; anything old in here was cut short and may be deleted
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from jobs.blobs.clearing import clear_folder
from jobs.blobs.contract import Kept
from jobs.blobs.fetching import fetched
from jobs.blobs.naming import INCOMING, key_of
from jobs.blobs.writer import CHUNK_BYTES, BlobWriter, Stored, copied
from jobs.errors import BlobMissingError
from jobs.ids import is_sha256


class BlobFolder:
    """A folder of blobs, as `Blobs` describes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.incoming = path / INCOMING
        self.incoming.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Say where a blob lies, whether it is there or not; of this kind of store alone."""
        return self._path / key_of(sha256)

    def exists(self, sha256: str) -> bool:
        """See `Blobs.exists`."""
        return self.path(sha256).is_file()

    def writer(self, *, max_bytes: int | None = None) -> BlobWriter:
        """See `Blobs.writer`."""
        return BlobWriter(self.incoming, self._adopt, max_bytes=max_bytes)

    def put(self, source: BinaryIO, *, expected_sha256: str | None = None, max_bytes: int | None = None) -> Stored:
        """See `Blobs.put`."""
        return copied(source, self.writer(max_bytes=max_bytes), expected_sha256)

    def open(self, sha256: str) -> BinaryIO:
        """See `Blobs.open`."""
        try:
            return self.path(sha256).open("rb")
        except FileNotFoundError:
            raise BlobMissingError(sha256) from None

    def read_range(self, sha256: str, *, first: int, count: int) -> bytes:
        """See `Blobs.read_range`."""
        with self.open(sha256) as file:
            file.seek(first)
            return file.read(count)

    def fetch(self, sha256: str, *, to: Path) -> None:
        """See `Blobs.fetch`."""
        with self.open(sha256) as file:
            fetched(iter(lambda: file.read(CHUNK_BYTES), b""), sha256, to=to)

    def presigned(self, sha256: str, *, seconds: int, name: str | None, media_type: str) -> str | None:
        """See `Blobs.presigned`: a folder has no address."""
        return None

    def delete(self, sha256: str, *, idle_seconds: float = 0) -> bool:
        """See `Blobs.delete`.

        It is taken out of the way first and looked at after that: whoever puts the same bytes meanwhile either finds
        nothing and brings his own, or has brought it before, which is then put back.
        """
        target, aside = self.path(sha256), self.incoming / f"deleting-{secrets.token_hex(8)}"
        try:
            if _age(target.stat()) < idle_seconds:
                return False
            target.rename(aside)
        except FileNotFoundError:
            return False
        if _age(aside.stat()) < idle_seconds:
            aside.rename(target)
            return False
        aside.unlink()
        return True

    def names(self) -> Iterator[Kept]:
        """See `Blobs.names`."""
        for folder in self._path.iterdir():
            if len(folder.name) != 2 or not folder.is_dir():
                continue
            for path in folder.iterdir():
                with suppress(FileNotFoundError):
                    found = path.stat()
                    if is_sha256(path.name):
                        yield Kept(path.name, found.st_size, _age(found))

    def clear_incoming(self, *, idle_seconds: float) -> int:
        """See `Blobs.clear_incoming`."""
        return clear_folder(self.incoming, idle_seconds=idle_seconds)

    def _adopt(self, written: Path, stored: Stored) -> None:
        """Give a finished file its name, in the place of one that may be there: that may be damaged, this is not."""
        target = self.path(stored.sha256)
        target.parent.mkdir(exist_ok=True)
        os.utime(written)  # it counts as put from now on, however long it took to come
        written.rename(target)
        for folder in (target.parent, self._path):
            _fsync_folder(folder)


def _age(found: os.stat_result) -> float:
    return time.time() - found.st_mtime


def _fsync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

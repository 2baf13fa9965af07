"""Bytes on disk, named by their sha256; knows no database and nobody who may read them.

FOLDER/
├── ab/abcdef…      one file per blob, never changed once it is there
└── incoming/       what is being written; anything old in here was cut short and may be deleted
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from jobs.errors import DigestError, TooLargeError
from jobs.ids import is_sha256

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Stored:
    """A blob that is safely on disk."""

    sha256: str
    bytes: int


class BlobWriter:
    """Takes bytes, hashes them on the way, and makes a blob of them when told that they are all there.

    Used as a context manager it leaves nothing behind unless `finish` was called. For one thread.
    """

    def __init__(self, folder: "BlobFolder", *, max_bytes: int | None = None) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self._bytes = 0
        descriptor, name = tempfile.mkstemp(dir=folder.incoming)
        self._file: BinaryIO = os.fdopen(descriptor, "wb")
        self._path = Path(name)

    def write(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            TooLargeError: More than `max_bytes` in all.
        """
        self._bytes += len(data)
        if self._max_bytes is not None and self._bytes > self._max_bytes:
            raise TooLargeError(f"expected at most {self._max_bytes} bytes, got more")
        self._digest.update(data)
        self._file.write(data)

    def finish(self, expected_sha256: str | None = None) -> Stored:
        """Make the bytes durable and visible under their name; the same bytes twice are one blob.

        Raises:
            DigestError: They are not the bytes that were announced; nothing is kept.
        """
        sha256 = self._digest.hexdigest()
        if expected_sha256 is not None and sha256 != expected_sha256:
            self.abort()
            raise DigestError(f"expected bytes with sha256 {expected_sha256}, got {sha256} ({self._bytes} bytes)")
        with self._file:
            self._file.flush()
            os.fdatasync(self._file.fileno())
        self._folder.adopt(self._path, sha256)
        return Stored(sha256, self._bytes)

    def abort(self) -> None:
        """Forget what was written; does nothing after `finish`."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.abort()


class BlobFolder:
    """A folder of blobs that any number of processes write to at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.incoming = path / "incoming"
        self.incoming.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Say where a blob lies, whether it is there or not.

        Raises:
            ValueError: `sha256` is not 64 lower-case hexadecimal digits.
        """
        if not is_sha256(sha256):
            raise ValueError(f"expected 64 lower-case hexadecimal digits, got {sha256[:80]!r}")
        return self._path / sha256[:2] / sha256

    def exists(self, sha256: str) -> bool:
        """Say whether a blob is there, whole."""
        return self.path(sha256).is_file()

    def writer(self, *, max_bytes: int | None = None) -> BlobWriter:
        """Begin a blob."""
        return BlobWriter(self, max_bytes=max_bytes)

    def put(self, source: BinaryIO, *, expected_sha256: str | None = None, max_bytes: int | None = None) -> Stored:
        """Copy what is left of an open file into a blob; it is read once, so that what is hashed is what is kept."""
        with self.writer(max_bytes=max_bytes) as writer:
            while chunk := source.read(CHUNK_BYTES):
                writer.write(chunk)
            return writer.finish(expected_sha256)

    def adopt(self, written: Path, sha256: str) -> None:
        """Give a finished file in `incoming` its name, unless that blob is there already."""
        target = self.path(sha256)
        if target.is_file():
            written.unlink()
            return
        target.parent.mkdir(exist_ok=True)
        written.rename(target)
        for folder in (target.parent, self._path):
            _fsync_folder(folder)


def _fsync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

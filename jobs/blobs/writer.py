"""Bytes on their way into a store: hashed while they are written to this machine's disk; knows no store."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from jobs.errors import DigestError, TooLargeError

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Stored:
    """A blob that is safely kept."""

    sha256: str
    bytes: int


class BlobWriter:
    """Takes bytes, hashes them on the way, and makes a blob of them when told that they are all there.

    Used as a context manager it leaves nothing behind unless `finish` was called. For one thread.

    Args:
        incoming: Folder that they are written in meanwhile.
        keep: Makes a blob of the finished file, which is durable by then, and takes the file away.
        max_bytes: More are refused.
    """

    def __init__(self, incoming: Path, keep: Callable[[Path, Stored], None], *, max_bytes: int | None = None) -> None:
        self._keep = keep
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self._bytes = 0
        descriptor, name = tempfile.mkstemp(dir=incoming)
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
            StoreUnavailableError: The store did not take them; nothing is kept.
        """
        sha256 = self._digest.hexdigest()
        if expected_sha256 is not None and sha256 != expected_sha256:
            self.abort()
            raise DigestError(f"expected bytes with sha256 {expected_sha256}, got {sha256} ({self._bytes} bytes)")
        with self._file:
            self._file.flush()
            os.fdatasync(self._file.fileno())
        stored = Stored(sha256, self._bytes)
        self._keep(self._path, stored)
        return stored

    def abort(self) -> None:
        """Forget what was written; does nothing after `finish`."""
        with suppress(OSError):  # closing writes what is left in memory, for which there may be no room
            self._file.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.abort()


def copied(source: BinaryIO, writer: BlobWriter, expected_sha256: str | None) -> Stored:
    """Write what is left of an open file and finish."""
    with writer:
        while chunk := source.read(CHUNK_BYTES):
            writer.write(chunk)
        return writer.finish(expected_sha256)

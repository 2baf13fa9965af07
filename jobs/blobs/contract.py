"""What a store of bytes can do, whichever it is; knows no folder, no bucket and nobody who may read them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from jobs.blobs.writer import BlobWriter, Stored


@dataclass(frozen=True)
class Kept:
    """A blob as its store lists it."""

    sha256: str
    bytes: int
    age_seconds: float
    """Since it was last put, by the store's clock."""


class Blobs(Protocol):
    """Bytes named by their sha256: whole or not there at all, never changed, put by any number of processes at once.

    Everything raises `StoreUnavailableError` when the store does not answer, after having asked it several times.
    """

    def exists(self, sha256: str) -> bool:
        """Say whether a blob is there, whole.

        Raises:
            ValueError: `sha256` is not 64 lower-case hexadecimal digits; so does everything below.
        """

    def writer(self, *, max_bytes: int | None = None) -> BlobWriter:
        """Begin a blob."""

    def put(self, source: BinaryIO, *, expected_sha256: str | None = None, max_bytes: int | None = None) -> Stored:
        """Copy what is left of an open file into a blob; it is read once, so that what is hashed is what is kept.

        Raises:
            DigestError: It holds other bytes than announced.
            TooLargeError: It holds more than `max_bytes`.
        """

    def open(self, sha256: str) -> BinaryIO:
        """Open a blob to read from anywhere in it, in bounded memory; what comes is not verified.

        Raises:
            BlobMissingError: It is not there.
        """

    def read_range(self, sha256: str, *, first: int, count: int) -> bytes:
        """Read a part of a blob, fewer bytes where it ends; what comes is not verified.

        Raises:
            BlobMissingError: It is not there.
        """

    def fetch(self, sha256: str, *, to: Path) -> None:
        """Copy a blob into a new file and verify it.

        Raises:
            BlobMissingError: It is not there.
            BlobDamagedError: It holds other bytes than its name says; no file is left.
        """

    def presigned(self, sha256: str, *, seconds: int, name: str | None, media_type: str) -> str | None:
        """Sign an address from which anybody can download a blob for a while; None where the store has no such thing.

        Args:
            seconds: How long it holds.
            name: Under which a browser is to save it; None lets it show the blob.
            media_type: What it holds.
        """

    def delete(self, sha256: str, *, idle_seconds: float = 0) -> bool:
        """Delete a blob, unless it was put within the last `idle_seconds`, and say whether one was deleted.

        A blob that is put again meanwhile is there afterwards.
        """

    def names(self) -> Iterator[Kept]:
        """List every blob, in no order; those that are put or deleted meanwhile may be missing or not."""

    def clear_incoming(self, *, idle_seconds: float) -> int:
        """Delete what was begun, never finished, and not written to for a while, and count it."""

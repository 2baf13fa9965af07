"""A file that lies elsewhere, read in ranges as they are asked for; knows no store."""

import io
import os
from typing import Protocol

RANGE_BYTES = 4 << 20


class ReadRange(Protocol):
    """Reads a part of a file, fewer bytes where it ends."""

    def __call__(self, *, first: int, count: int) -> bytes:
        """Read `count` bytes from `first` on."""


class RangeReader(io.RawIOBase):
    """A raw file to put a buffer around: every read is one range.

    Args:
        read: Reads a range.
        size: Of the whole, in bytes.
    """

    mode = "rb"  # as an opened file has it; whoever asks a file what it is asks for this

    def __init__(self, read: ReadRange, *, size: int) -> None:
        self._read = read
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place, asking for nothing."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"expected a place in the file, got {start + offset}")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        """Say where the next read begins."""
        return self._at

    def readall(self) -> bytes:
        """Read the rest, in ranges of a size worth a request; the one inherited asks for 8 KiB at a time."""
        pieces = []
        while self._at < self._size:
            piece = self._read(first=self._at, count=min(RANGE_BYTES, self._size - self._at))
            if not piece:
                break
            pieces.append(piece)
            self._at += len(piece)
        return b"".join(pieces)

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # any writable buffer, in fact
        """Read on, at most as much as fits."""
        count = max(0, min(len(buffer), self._size - self._at))
        data = self._read(first=self._at, count=count) if count else b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

"""Many blobs as one .tar, made while it is sent; nothing is copied and its length is known beforehand."""

import tarfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool

CHUNK_BYTES = 1 << 20
END = bytes(2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True)
class Member:
    """One file of the archive."""

    name: str
    path: Path
    bytes: int
    modified: int
    """Seconds since 1970."""


def length(members: Sequence[Member]) -> int:
    """Count the bytes of the archive."""
    return sum(len(_header(member)) + member.bytes + _padding(member) for member in members) + len(END)


async def chunks(members: Sequence[Member]) -> AsyncIterator[bytes]:
    """Yield the archive, reading each file in a thread, a chunk at a time."""
    for member in members:
        yield _header(member)
        pieces = _pieces(member.path)
        while (piece := await run_in_threadpool(next, pieces, None)) is not None:
            yield piece
        yield bytes(_padding(member))
    yield END


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


def _header(member: Member) -> bytes:
    """Write the header of a plain file of nobody in particular: the same job gives the same archive everywhere."""
    entry = tarfile.TarInfo(member.name)
    entry.size, entry.mtime, entry.mode = member.bytes, member.modified, 0o644
    return entry.tobuf(tarfile.PAX_FORMAT)


def _padding(member: Member) -> int:
    return -member.bytes % tarfile.BLOCKSIZE

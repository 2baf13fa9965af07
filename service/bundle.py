"""Many blobs as one .tar, made while it is sent; nothing is copied and its length is known beforehand."""

import tarfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from jobs.blobs import Blobs

CHUNK_BYTES = 1 << 20
END = bytes(2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True)
class Member:
    """One file of the archive."""

    name: str
    sha256: str
    bytes: int
    modified: int
    """Seconds since 1970."""


def length(members: Sequence[Member]) -> int:
    """Count the bytes of the archive."""
    return sum(len(_header(member)) + member.bytes + _padding(member) for member in members) + len(END)


async def chunks(members: Sequence[Member], blobs: Blobs) -> AsyncIterator[bytes]:
    """Yield the archive, reading each file in a thread, a chunk at a time."""
    for member in members:
        yield _header(member)
        pieces = _pieces(blobs, member)
        while (piece := await run_in_threadpool(next, pieces, None)) is not None:
            yield piece
        yield bytes(_padding(member))
    yield END


def _pieces(blobs: Blobs, member: Member) -> Iterator[bytes]:
    with blobs.open(member.sha256) as file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


def _header(member: Member) -> bytes:
    """Write the header of a plain file of nobody in particular: the same job gives the same archive everywhere."""
    entry = tarfile.TarInfo(member.name)
    entry.size, entry.mtime, entry.mode = member.bytes, member.modified, 0o644
    return entry.tobuf(tarfile.PAX_FORMAT)


def _padding(member: Member) -> int:
    return -member.bytes % tarfile.BLOCKSIZE

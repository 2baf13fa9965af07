"""service.receiving: whole, in order, in bounded memory, and nothing left behind when it goes wrong."""

import asyncio
import errno
from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.blobs import Stored
from service.problems import Problem
from service.receiving import BATCH_BYTES, receive


class RecordingWriter:
    """Keeps what it is given; optionally fails at the nth write."""

    def __init__(self, fails_at: int | None = None, error: BaseException | None = None) -> None:
        self.batches: list[bytes] = []
        self.aborted = False
        self.fails_at, self.error = fails_at, error

    def write(self, data: bytes) -> None:
        assert not self.aborted
        if self.error is not None and len(self.batches) == self.fails_at:
            raise self.error
        self.batches.append(data)

    def finish(self, expected_sha256: str | None = None) -> Stored:
        return Stored(str(expected_sha256), sum(map(len, self.batches)))

    def abort(self) -> None:
        self.aborted = True


async def _body(chunks: Iterable[bytes], then: BaseException | None = None) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if then is not None:
        raise then


@given(st.lists(st.integers(0, 700_000), max_size=8))
def test_the_bytes_arrive_whole_and_in_order(sizes: list[int]) -> None:
    chunks = [bytes([k]) * size for k, size in enumerate(sizes)]
    writer = RecordingWriter()
    asyncio.run(receive(_body(chunks), writer, sha256="ab"))
    assert b"".join(writer.batches) == b"".join(chunks)
    assert not writer.aborted


def test_many_small_chunks_are_written_in_batches() -> None:
    writer = RecordingWriter()
    asyncio.run(receive(_body([b"x" * 65536] * 64), writer, sha256="ab"))
    assert [len(batch) for batch in writer.batches] == [BATCH_BYTES] * 4 + [0]


def test_a_sender_that_goes_away_leaves_nothing_behind() -> None:
    writer = RecordingWriter()
    with pytest.raises(ConnectionError):
        asyncio.run(receive(_body([b"x" * BATCH_BYTES] * 3, then=ConnectionError()), writer, sha256="ab"))
    assert writer.aborted


def test_a_full_disk_is_told_as_what_it_is() -> None:
    writer = RecordingWriter(fails_at=1, error=OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(Problem) as caught:
        asyncio.run(receive(_body([b"x" * BATCH_BYTES] * 3), writer, sha256="ab"))
    assert caught.value.code == "insufficient_storage"
    assert writer.aborted


def test_a_sender_that_is_cut_off_leaves_nothing_behind() -> None:
    writer = RecordingWriter()

    async def cut() -> None:
        reached = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield b"x" * BATCH_BYTES
            reached.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(receive(endless(), writer, sha256="ab"))
        await reached.wait()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cut())
    assert writer.aborted

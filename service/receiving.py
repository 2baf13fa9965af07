"""A request body on its way to disk: bounded memory, no thread held while waiting for a slow sender."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from starlette.concurrency import run_in_threadpool

from jobs.blobs import Stored
from service.problems import Problem

BATCH_BYTES = 1 << 20
"""Written at once; with one batch being written while the next fills, an upload holds about twice this."""


class Writer(Protocol):
    """What takes the bytes: hashes and writes them."""

    def write(self, data: bytes, /) -> object:
        """Take the next bytes."""

    def finish(self, expected_sha256: str | None = None, /) -> Stored:
        """Make a blob of them."""

    def abort(self) -> None:
        """Forget all of them."""


async def receive(chunks: AsyncIterator[bytes], writer: Writer, *, sha256: str) -> Stored:
    """Make a blob of a body: one batch is hashed and written in a thread while the next one fills.

    That thread is the queue's one consumer and the queue is one batch long, so a fast sender waits for the disk
    and a slow one holds no thread. Whatever goes wrong, `writer` is aborted.

    Args:
        chunks: The body as it arrives.
        writer: Used from one thread at a time; it counts, whatever the sender declared.
        sha256: Of the bytes, as announced.

    Raises:
        Problem: `insufficient_storage`.
        DigestError: Other bytes came.
        TooLargeError: More bytes came than the writer takes.
    """
    writing: asyncio.Future[object] | None = None
    try:
        batch = bytearray()
        async for chunk in chunks:
            batch += chunk
            if len(batch) >= BATCH_BYTES:
                writing = await _next(writing, writer.write, bytes(batch))
                batch.clear()
        writing = await _next(writing, writer.write, bytes(batch))
        await writing
        return await run_in_threadpool(writer.finish, sha256)
    except BaseException as error:
        # A thread cannot be interrupted: let the write end before the file under it goes.
        if writing is not None:
            await asyncio.wait([writing])
        await run_in_threadpool(writer.abort)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Problem("insufficient_storage", "the disk became full") from None
        raise


async def _next(
    before: asyncio.Future[object] | None, write: Callable[[bytes], object], batch: bytes
) -> asyncio.Future[object]:
    if before is not None:
        await before
    return asyncio.ensure_future(run_in_threadpool(write, batch))

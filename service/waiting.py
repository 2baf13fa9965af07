"""Long polls: read now, or wait for a change first; holds no thread and no connection while waiting."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from service.hub import Hub

T = TypeVar("T")


async def until(settled: Callable[[T], bool], read: Callable[[], T], *, hub: Hub, thing: str, seconds: float) -> T:
    """Read a thing until it is `settled` or `seconds` have passed, and give what was read last.

    Args:
        settled: Whether what was read is worth an answer.
        read: Runs in a thread.
        hub: Tells when reading again is worth it.
        thing: The id that is watched.
        seconds: 0 reads once.
    """
    found = await run_in_threadpool(read)
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    if settled(found) or seconds <= 0:
        return found
    with hub.watch(thing) as watch:
        while not settled(found) and (left := deadline - clock()) > 0:
            if await watch.next(left) is not None:
                found = await run_in_threadpool(read)
    return found

"""Who waits for which job, and one task that looks for all of them; knows no HTTP.

Streams and long-polls wait on a bounded queue of their own. Nudged over Redis, or every two seconds without it, the
hub makes one look at the database for everything watched and hands out what is new. Nobody who waits holds a thread
or a connection, and one who does not keep up loses nothing: what an update left out is read from the log.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from starlette.concurrency import run_in_threadpool

LOOK_SECONDS = 2.0
"""Between looks when no nudge comes."""
QUIET_SECONDS = 0.05
"""At least this between two looks, however many nudges come."""
RECONNECT_SECONDS = 1.0
QUEUE_LENGTH = 32

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Update:
    """What is known of a watched thing after a look."""

    version: int
    """Grows with every change of its record."""
    done: bool
    last_seq: int = 0
    """Of its log; a reader behind it and not served by `events` reads the log."""
    events: tuple[Mapping[str, Any], ...] = ()
    """Those since the look before, as the API shows them."""
    progress: Mapping[str, Any] | None = None


Look = Callable[[Mapping[str, int | None]], Mapping[str, Update]]
"""Reads the state of many things: id -> last seq handed out (None: not looked at before) -> id -> update."""


class Watch:
    """One reader's queue; the newest updates win over a reader that does not keep up."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Update] = asyncio.Queue(QUEUE_LENGTH)

    def put(self, update: Update) -> None:
        """Hand over an update, forgetting those that were not fetched when there are too many."""
        if self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
        self._queue.put_nowait(update)

    async def next(self, seconds: float) -> Update | None:
        """Wait up to `seconds` for an update."""
        # Not `wait_for`: before Python 3.12 it forgets a cancellation that comes in the very turn of the answer.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._queue.get()
        return None


class Hub:
    """Looks at the database for everyone who waits.

    Args:
        look: Reads the state of all watched things in one go; runs in a thread.
        nudges: Yields whenever something changed; may fail and is then asked again. None: there is no Redis.
    """

    def __init__(self, look: Look, *, nudges: Callable[[], AsyncIterator[object]] | None = None) -> None:
        self._look = look
        self._nudges = nudges
        self._watches: dict[str, set[Watch]] = {}
        self._known: dict[str, Update] = {}
        self._nudged = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def watch(self, thing: str) -> Iterator[Watch]:
        """Be told of a job, model or dataset: of its state soon after, then of every change."""
        watch = Watch()
        self._watches.setdefault(thing, set()).add(watch)
        if thing in self._known:
            watch.put(self._known[thing])
        self.nudge()
        try:
            yield watch
        finally:
            self._watches[thing].discard(watch)
            if not self._watches[thing]:
                del self._watches[thing]
                self._known.pop(thing, None)

    def nudge(self) -> None:
        """Look soon."""
        self._nudged.set()

    def nudge_from_thread(self) -> None:
        """Look soon; may be called from any thread, and does nothing before `run`."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.nudge)

    async def run(self) -> None:
        """Look and listen until cancelled."""
        self._loop = asyncio.get_running_loop()
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._nudged.wait()
                self._nudged.clear()
                if self._watches:
                    await self._look_once()
                await asyncio.sleep(QUIET_SECONDS)
        finally:
            listening.cancel()

    async def _look_once(self) -> None:
        seqs = {thing: self._known[thing].last_seq if thing in self._known else None for thing in self._watches}
        try:
            found = await run_in_threadpool(self._look, seqs)
        except Exception as error:
            # The database may be away for a while; those who wait go on waiting and the next look tells them.
            log.warning("could not look at %d watched things: %s", len(seqs), type(error).__name__)
            return
        for thing, update in found.items():
            state = replace(update, events=())
            if thing in self._watches and self._known.get(thing) != state:
                self._known[thing] = state
                self._tell(self._watches[thing], update)

    def _tell(self, watches: Iterable[Watch], update: Update) -> None:
        for watch in watches:
            watch.put(update)

    async def _listen(self) -> None:
        if self._nudges is None:
            return
        while True:
            try:
                async for _ in self._nudges():
                    self.nudge()
            except Exception as error:
                log.info("no nudges from Redis: %s", type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

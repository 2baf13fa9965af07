"""Keeps child processes running: starts them, starts them again, ends them; knows nothing of what they do."""

import logging
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

PAUSES_SECONDS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Before the next start of a process that keeps ending soon; the last is repeated."""
SOON_SECONDS = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """A process to keep."""

    name: str
    start: Callable[[], "subprocess.Popen[bytes]"]
    refused: int | None = None
    """The exit status after which it is not started again."""


@dataclass
class _Ward:
    kept: Kept
    process: "subprocess.Popen[bytes] | None" = None
    pidfd: int = -1
    started_at: float = 0.0
    due_at: float | None = 0.0
    """When to start it; None: it runs, or never again."""
    falls: int = 0


class Keeper:
    """Keeps processes for the length of a block, from one thread that lasts as long.

    The thread is what their death signal is tied to. At the end of the block each gets SIGTERM, then SIGKILL after
    `grace_seconds`, and none is left.
    """

    def __init__(
        self, kept: Sequence[Kept], *, grace_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._wards = [_Ward(one) for one in kept]
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._stopping = False
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name="keeper")

    def pids(self) -> dict[str, int]:
        """Tell which process each one is right now; those that do not run are left out."""
        running = [(ward.kept.name, ward.process) for ward in self._wards]
        return {name: process.pid for name, process in running if process is not None}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping = True
        os.eventfd_write(self._bell, 1)
        self._thread.join()
        os.close(self._bell)

    def _run(self) -> None:
        while not self._stopping:
            for ward in self._wards:
                if ward.due_at is not None and ward.due_at <= self._clock():
                    self._start(ward)
            self._wait(min((ward.due_at for ward in self._wards if ward.due_at is not None), default=None))
        self._end()

    def _start(self, ward: _Ward) -> None:
        ward.process = ward.kept.start()
        ward.pidfd = os.pidfd_open(ward.process.pid)
        ward.started_at, ward.due_at = self._clock(), None

    def _wait(self, until: float | None) -> None:
        """Wait for an end, the bell, or a moment; reap what ended."""
        poll = select.poll()
        watched = {ward.pidfd: ward for ward in self._wards if ward.process is not None}
        for descriptor in (self._bell, *watched):
            poll.register(descriptor, select.POLLIN)
        timeout = None if until is None else max(0.0, until - self._clock()) * 1000
        for descriptor, _ in poll.poll(timeout):
            if descriptor in watched:
                self._reap(watched[descriptor])

    def _reap(self, ward: _Ward) -> None:
        if ward.process is None:
            return
        status = ward.process.wait()
        os.close(ward.pidfd)
        ward.process, ward.pidfd = None, -1
        if self._stopping:
            return
        if status == ward.kept.refused:
            _log.error("%s refused to start and is not started again: see its log", ward.kept.name)
            return
        soon = self._clock() - ward.started_at < SOON_SECONDS
        ward.falls = ward.falls + 1 if soon else 0
        pause = PAUSES_SECONDS[min(ward.falls, len(PAUSES_SECONDS)) - 1] if ward.falls else 0.0
        ward.due_at = self._clock() + pause
        _log.warning("%s ended (exit status %d), started again in %.1f s", ward.kept.name, status, pause)

    def _end(self) -> None:
        """Ask every process to stop, then make it."""
        self._signal(signal.SIGTERM)
        deadline = self._clock() + self._grace_seconds
        os.eventfd_read(self._bell)  # answered: only ends are waited for now
        while self.pids() and self._clock() < deadline:
            self._wait(deadline)
        self._signal(signal.SIGKILL)
        for ward in self._wards:
            self._reap(ward)

    def _signal(self, which: signal.Signals) -> None:
        for ward in self._wards:
            if ward.process is not None:
                ward.process.send_signal(which)

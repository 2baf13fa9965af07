"""One child process, from launch to reaping: its bytes on descriptor 3, its log, its signals; judges nothing."""

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from workers.bell import Bell
from workers.sandbox import LAUNCHER, Errand, Sandbox, policy

MAX_LOG_BYTES = 8 << 20
"""Of one attempt; what comes after is dropped."""
LAST_BYTES = 4096
"""Of what a child printed last, for whoever asks why it ended."""
_READ_BYTES = 1 << 16
_PIECES_OF_A_PIPE = 32
"""More than a pipe holds, so that reading what is left ends even if somebody still writes."""


class Child:
    """A launched child that must be waited on from the thread that started it.

    That has to be the main thread: the death signal follows the thread that started a process, not the process.
    As a context manager it leaves no process behind.

    Args:
        log: File that takes what the child prints, added to what is there.
        bell: Ends a wait early.
    """

    def __init__(self, sandbox: Sandbox, errand: Errand, *, log: Path, bell: Bell) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("expected to start a child from the main thread, whose end would end the child")
        self.exit_status: int | None = None
        """As `subprocess` gives it, negative for a signal; None while the child lives."""
        self.last_printed = b""
        """The end of what it printed so far."""
        self._bell = bell
        self._signals = threading.Lock()
        self._process, self._events, self._prints = _start(sandbox, errand)
        self._log = log.open("ab")
        self._log_room = MAX_LOG_BYTES - self._log.tell()
        self._end = os.pidfd_open(self._process.pid)
        self._selector = selectors.DefaultSelector()
        self._open = ExitStack()
        for descriptor in (self._events, self._prints, self._end):
            self._open.callback(os.close, descriptor)
        self._open.enter_context(self._log)
        self._open.enter_context(self._selector)
        for descriptor in (self._events, self._prints):
            os.set_blocking(descriptor, False)
        for descriptor in (self._events, self._prints, self._end, bell.fileno()):
            self._selector.register(descriptor, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        """The process, which is also its group and its session."""
        return self._process.pid

    def wait(self, seconds: float) -> bytes:
        """Wait until the child says or prints something, ends, the bell rings, or the time is up.

        Gives what it said on descriptor 3 meanwhile, which may be nothing. Once `exit_status` is set there is no more.
        """
        ready = {key.fd for key, _ in self._selector.select(max(0.0, seconds))}
        if self._bell.fileno() in ready:
            self._bell.answer()
        if self._end in ready:
            self._reap()
        said = self._take(self._events, ready)
        self._print(self._take(self._prints, ready))
        return said

    def terminate(self) -> None:
        """Ask the child and its group to stop."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the child and its group now. May be called from any thread, also after the end."""
        self._signal(signal.SIGKILL)

    def _signal(self, which: signal.Signals) -> None:
        with self._signals:  # not between reaping and forgetting: the number could be somebody else's by then
            if self.exit_status is None:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, which)

    def _reap(self) -> None:
        with self._signals:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # whatever it may have left in its group
            self.exit_status = self._process.wait()

    def _take(self, pipe: int, ready: set[int]) -> bytes:
        """Read one piece, so that a chatterbox cannot keep the loop; or all that the dead left behind."""
        ended = self.exit_status is not None
        pieces: list[bytes] = []
        while (ended or pipe in ready) and len(pieces) < (_PIECES_OF_A_PIPE if ended else 1):
            piece = _read_what_is_there(pipe)
            if not piece:
                break
            pieces.append(piece)
        if pipe in ready and not pieces and pipe in self._selector.get_map():
            self._selector.unregister(pipe)  # closed at the other end: readable for ever
        return b"".join(pieces)

    def _print(self, printed: bytes) -> None:
        self.last_printed = (self.last_printed + printed)[-LAST_BYTES:]
        self._log.write(printed[: max(0, self._log_room)])
        self._log.flush()
        self._log_room -= len(printed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()
        while self.exit_status is None:
            self.wait(1.0)
        self._open.close()


def _read_what_is_there(pipe: int) -> bytes:
    try:
        return os.read(pipe, _READ_BYTES)
    except BlockingIOError:
        return b""


def _start(sandbox: Sandbox, errand: Errand) -> tuple[subprocess.Popen[bytes], int, int]:
    """Launch, and give the process and the reading ends of its events and of what it prints."""
    (events, say), (prints, print_) = os.pipe(), os.pipe()
    try:
        applied = policy(sandbox, errand, parent=os.getpid(), event_fd=say)
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(applied)],
            stdin=subprocess.DEVNULL,
            stdout=print_,
            stderr=print_,
            pass_fds=(say,),
            start_new_session=True,
            env={},
        )
    except BaseException:
        os.close(events)
        os.close(prints)
        raise
    finally:
        os.close(say)
        os.close(print_)
    return process, events, prints

"""Wakes the one loop that waits on descriptors, from a signal handler or another thread."""

import os
from types import TracebackType
from typing import Self


class Bell:
    """Rung any number of times, it is readable until it is answered; safe in signal handlers and threads."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """Give the descriptor to wait on."""
        return self._fd

    def ring(self) -> None:
        """Wake whoever waits."""
        os.eventfd_write(self._fd, 1)

    def answer(self) -> None:
        """Stop being readable until the next ring."""
        try:
            os.eventfd_read(self._fd)
        except BlockingIOError:  # another ring was answered together with this one
            return

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

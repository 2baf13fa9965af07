"""SIGINT and SIGTERM as an orderly end of a block, and handed to a web server while it runs."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Signals:
    """Ends the program through the blocks it is in at the first signal, and ignores the others while it ends."""

    def __init__(self) -> None:
        self._raises = True

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if self._raises:
            self._raises = False
            raise SystemExit(0)

    def leave_to_server(self) -> None:
        """Raise no more: uvicorn takes the signals, and raises them again when it has ended."""
        self._raises = False


@contextmanager
def ended_by_signals() -> Iterator[Signals]:
    """Let SIGINT and SIGTERM end the block in order."""
    signals = Signals()
    before = {number: signal.signal(number, signals) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

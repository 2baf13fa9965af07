"""A search's only window outward: events out, "stop" in; knows no search and no worker."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from ticketing.folder import MAX_EVENT_BYTES, EventType


class Stopped(Exception):  # noqa: N818 - no error: what was asked for
    """The run was asked to stop and has saved where it was."""


@runtime_checkable
class Observer(Protocol):
    """What a search is given to speak to whoever runs it."""

    def emit(self, word: EventType, /, **data: Any) -> None:
        """Say a fact. Durable: whoever listens keeps every one, in order."""
        ...

    def progress(self, **data: Any) -> None:
        """Say how far the run is. Cheap to call at every step; most calls go nowhere."""
        ...

    def stop_requested(self) -> bool:
        """Ask whether to save and stop at the end of this step."""
        ...


@runtime_checkable
class Stream(Protocol):
    """Where bytes go."""

    def write(self, line: bytes, /) -> object:
        """Take them."""
        ...

    def flush(self) -> None:
        """Send them on."""
        ...


@dataclass
class RecordingObserver:
    """Keeps what it is told, for tests and for those who call a search as a library."""

    stop_after: int | None = None
    """Ask to stop at the n-th time of asking, counted from 0; None never does."""
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    last_progress: dict[str, Any] = field(default_factory=dict)
    asked: int = 0

    def emit(self, word: EventType, /, **data: Any) -> None:
        """Keep the event; what could not be written to a stream is refused here too."""
        _line(word, data)
        self.events.append((word, data))

    def progress(self, **data: Any) -> None:
        """Keep the newest alone."""
        self.last_progress = data

    def stop_requested(self) -> bool:
        """Say yes from the `stop_after`-th time on."""
        self.asked += 1
        return self.stop_after is not None and self.asked > self.stop_after

    def of_type(self, word: EventType) -> list[dict[str, Any]]:
        """List the data of every event of one type, oldest first."""
        return [data for said, data in self.events if said == word]


class StreamObserver:
    """Writes events as JSON lines to a stream, such as file descriptor 3 of a worker's child."""

    def __init__(
        self,
        stream: Stream,
        *,
        stop_requested: Callable[[], bool],
        clock: Callable[[], float],
        progress_seconds: float = 1.0,
    ) -> None:
        """Take the stream, the question "stop?" (a signal sets it), a monotonic clock and the least gap of progress."""
        self._stream = stream
        self._stop_requested = stop_requested
        self._clock = clock
        self._progress_seconds = progress_seconds
        self._next_progress = float("-inf")

    def emit(self, word: EventType, /, **data: Any) -> None:
        """Write one line and flush it.

        Raises:
            ValueError, TypeError: The event is over `MAX_EVENT_BYTES`, or holds what JSON has no word for: NaN,
                infinity, an object.
        """
        line = _line(word, data)
        if len(line) > MAX_EVENT_BYTES:
            raise ValueError(f"expected an event of at most {MAX_EVENT_BYTES} bytes, got {word} of {len(line)}")
        self._stream.write(line)
        self._stream.flush()

    def progress(self, **data: Any) -> None:
        """Write a `progress` event when the last one is `progress_seconds` old."""
        now = self._clock()
        if now >= self._next_progress:
            self._next_progress = now + self._progress_seconds
            self.emit("progress", **data)

    def stop_requested(self) -> bool:
        """Pass the question on."""
        return self._stop_requested()


def _line(word: EventType, data: dict[str, Any]) -> bytes:
    return json.dumps({"type": word, "data": data}, separators=(",", ":"), allow_nan=False).encode() + b"\n"

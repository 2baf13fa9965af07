"""What a child may say: bytes in, checked events out; whatever else comes is a violation. Trusts and keeps nothing.

The child may be running code that an uploaded file brought in, so that every word of it is bounded and of a known
shape before anyone stores or shows it.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from ticketing.errors import WinnowError
from ticketing.folder import MAX_EVENT_BYTES, Event, EventType
from workers.vocabulary import DATA

Purpose = Literal["search", "inspect", "verify"]

MAX_EVENTS = 200_000
"""Of one child."""
_MAX_TEXT, _MAX_DEPTH = 4096, 16


class ProtocolViolationError(WinnowError):
    """The child said something that no child says: it is ended, and its job fails."""

    code = "protocol_violation"


_ALWAYS: frozenset[EventType] = frozenset({"started", "phase", "progress", "warning", "failed"})
ALLOWED: Mapping[Purpose, frozenset[EventType]] = {
    "search": _ALWAYS | {"level_completed", "mask_drawn", "ticket_found", "checkpoint_saved", "finished"},
    "inspect": _ALWAYS | {"inspected"},
    "verify": _ALWAYS | {"verified"},
}
"""Which events each errand of a child may send."""
LAST: frozenset[EventType] = frozenset({"finished", "inspected", "verified", "failed"})
"""Nothing comes after one of these."""


class EventReader:
    """Cuts what a child writes into lines and each line into an event; remembers no more than one line.

    Args:
        purpose: Which events are allowed at all.
    """

    def __init__(self, purpose: Purpose) -> None:
        self._allowed = ALLOWED[purpose]
        self._rest = b""
        self._count = 0
        self._ended = False

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes and give the events whose lines they complete, in order.

        Raises:
            ProtocolViolationError: A line that is too long or no event of this errand, or one event too many.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_EVENT_BYTES:
            raise ProtocolViolationError(f"expected lines of at most {MAX_EVENT_BYTES} bytes, got a longer one")
        return [self._event(line) for line in lines]

    def _event(self, line: bytes) -> Event:
        self._count += 1
        if self._ended or self._count > MAX_EVENTS:
            raise ProtocolViolationError("expected no more events, got another")
        event = parse(line)
        if event.type not in self._allowed:
            raise ProtocolViolationError(f"expected one of {', '.join(sorted(self._allowed))}, got {event.type}")
        self._ended = event.type in LAST
        return event


def parse(line: bytes) -> Event:
    """Read one line as an event of a known type, with the data that type must carry.

    Raises:
        ProtocolViolationError: It is not that; the message quotes none of it.
    """
    if len(line) > MAX_EVENT_BYTES:
        raise ProtocolViolationError(f"expected lines of at most {MAX_EVENT_BYTES} bytes, got {len(line)}")
    try:
        event = Event.model_validate_json(line)
        DATA[event.type].model_validate(event.data)
    except (ValidationError, ValueError) as error:
        place = error.errors(include_input=False)[0]["loc"] if isinstance(error, ValidationError) else ()
        what = ".".join(str(part)[:40] for part in place) or "the line"
        raise ProtocolViolationError(f"expected an event, got something else in {what!r}") from None
    _refuse_unplain(event.data, _MAX_DEPTH)
    return event


def _refuse_unplain(value: Any, depth: int) -> None:
    """Refuse what JSON columns, browsers or log readers would stumble over: NaN, NUL, endless text, deep nesting."""
    if depth == 0:
        raise ProtocolViolationError(f"expected at most {_MAX_DEPTH} levels of nesting, got more")
    if isinstance(value, str):
        if len(value) > _MAX_TEXT or "\0" in value:
            raise ProtocolViolationError(f"expected texts of at most {_MAX_TEXT} characters without NUL, got another")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ProtocolViolationError(f"expected finite numbers, got {value}")
    elif isinstance(value, int):
        if abs(value) >= 2**63:
            raise ProtocolViolationError("expected integers of 64 bits, got a longer one")
    elif isinstance(value, list):
        for item in value:
            _refuse_unplain(item, depth - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_unplain(key, depth - 1)
            _refuse_unplain(item, depth - 1)

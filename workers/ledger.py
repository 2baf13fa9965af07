"""When what a child says becomes part of the job: at once, or with the checkpoint that makes it repeatable; pure.

A fact such as a completed level is told before the checkpoint that carries it. It is held back until then, because an
attempt that goes on from the checkpoint before would come to it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.events import NewEvent
from jobs.leases import NewLevel
from ticketing.folder import Event
from workers.protocol import ProtocolViolationError

MAX_HELD = 10_000
"""Facts between two checkpoints; a search has a few per level."""


@dataclass(frozen=True)
class Entry:
    """What goes into the job in one transaction."""

    events: Sequence[NewEvent] = ()
    levels: Sequence[NewLevel] = ()
    checkpoint: Mapping[str, Any] | None = None
    """Data of the `checkpoint_saved` event whose file has to be stored first."""
    phase: str | None = None
    warnings: Sequence[Mapping[str, Any]] = ()


@dataclass
class Ledger:
    """Takes the events of one attempt in order."""

    execution_key: Mapping[str, Any] = field(default_factory=dict)
    """Where and how this attempt computes, as its `started` event told."""
    _events: list[NewEvent] = field(default_factory=list)
    _levels: list[NewLevel] = field(default_factory=list)

    def take(self, event: Event) -> Entry | None:
        """Say what to write now that this was said; None for what is held back or not kept at all.

        Raises:
            ProtocolViolationError: More facts without a checkpoint than any search has.
        """
        data = event.data
        match event.type:
            case "started":
                self.execution_key = data["execution_key"]
                return Entry([NewEvent("job.started", data)])
            case "phase":
                return Entry([NewEvent("job.phase", data)], phase=data["phase"])
            case "warning":
                remark = {"code": data["code"], "detail": data["detail"]}
                return Entry([NewEvent("job.warning", data, severity="warning")], warnings=[remark])
            case "level_completed" | "mask_drawn" | "ticket_found":
                self._hold(event)
                return None
            case "checkpoint_saved":
                told = NewEvent("job.checkpoint_saved", data)
                held = self.rest()
                return Entry([*held.events, told], held.levels, checkpoint=data)
            case _:
                return None

    def rest(self) -> Entry:
        """Hand over what is held back; nothing is held back afterwards."""
        entry = Entry(self._events, self._levels)
        self._events, self._levels = [], []
        return entry

    def _hold(self, event: Event) -> None:
        if len(self._events) >= MAX_HELD:
            raise ProtocolViolationError(f"expected a checkpoint after at most {MAX_HELD} facts, got none")
        self._events.append(NewEvent(f"job.{event.type}", event.data))
        if event.type == "level_completed":
            data = event.data
            row = {name: data[name] for name in ("replicate", "level", "kept", "total", "sparsity")}
            self._levels.append(NewLevel(**row, data=data))

"""Follows one child to its end: what it says is checked and passed on, and silence, orders or lies end it.

Knows nothing of what the child computes and writes nothing itself.
"""

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from jobs.errors import LeaseLostError
from ticketing.folder import EXIT_FAILED, EXIT_FINISHED, EXIT_STOPPED, Event
from workers.child import Child
from workers.heartbeat import Heartbeat
from workers.memory import kernel_kills, said_out_of_memory
from workers.protocol import LAST, EventReader, ProtocolViolationError, Purpose
from workers.standing import said_no_room

Told = Literal["stopped", "overrun", "drained"]
Kind = Literal[Told, "finished", "failed", "crashed", "exhausted", "stalled", "violated", "lost"]


@dataclass(frozen=True)
class Ending:
    """How a child ended."""

    kind: Kind
    """finished, failed: it said so · stopped: its client wanted it cancelled or paused · overrun: it ran for as long as
    it may · drained: its worker was told to stop · crashed, stalled: it ended or hung without a word · exhausted: it
    ended for want of memory · violated: it said what no child says · lost: its worker may no longer write."""
    detail: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Of its last event."""
    no_room: bool = False
    """Of one that crashed: it said that the disk was full."""


@dataclass(frozen=True)
class Patience:
    """How long a child may take."""

    first_step_seconds: float
    """Between two of its events until its first progress; importing and compiling lie before it."""
    stall_seconds: float
    """Between two of its events after that."""
    grace_seconds: float
    """Between being asked to stop and being killed."""


class Supervisor:
    """Watches over the children of one attempt, one after the other.

    Args:
        heart: Renews the lease; it kills the child when the lease is lost, and brings what clients want of the job.
        stop_requested: Whether the worker itself was told to stop.
    """

    def __init__(
        self,
        heart: Heartbeat,
        *,
        patience: Patience,
        stop_requested: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
        kernel_kills: Callable[[], int | None] = kernel_kills,
    ) -> None:
        self._heart = heart
        self._patience = patience
        self._stop_requested = stop_requested
        self._clock = clock
        self._kernel_kills = kernel_kills

    def follow(self, child: Child, *, purpose: Purpose, take: Callable[[Event], None]) -> Ending:
        """Pass every event but the last to `take` until the child has ended, and say how it did.

        What `take` raises ends the child too: `LeaseLostError` and `ProtocolViolationError` become its ending.
        """
        with child, self._heart.watching(child):
            try:
                return self._follow(child, EventReader(purpose), take)
            except LeaseLostError as error:
                return Ending("lost", str(error))
            except ProtocolViolationError as error:
                return Ending("violated", str(error))

    def _follow(self, child: Child, reader: EventReader, take: Callable[[Event], None]) -> Ending:
        last: Event | None = None
        told_to: Told | None = None
        killed_before = self._kernel_kills()
        allowance = self._patience.first_step_seconds
        kill_at = self._clock() + allowance
        while child.exit_status is None:
            said = reader.feed(child.wait(min(kill_at - self._clock(), 1.0)))
            for event in said:
                if event.type in LAST:
                    last = event
                else:
                    take(event)
            if self._heart.lost or self._heart.overdue:
                return Ending("lost", "the lease was not renewed in time")
            if told_to is None and (told_to := self._told_to()) is not None:
                child.terminate()
                kill_at = self._clock() + self._patience.grace_seconds
            elif told_to is None and said:
                if any(event.type == "progress" for event in said):
                    allowance = self._patience.stall_seconds
                kill_at = self._clock() + allowance
            if self._clock() >= kill_at:
                child.kill()
                if told_to is None:
                    return Ending("stalled", "the run reported nothing for too long and was ended")
        ending = _judge(child.exit_status, last, told_to)
        if ending.kind != "crashed":
            return ending
        if self._wanted_memory(child, killed_before):
            return Ending("exhausted", f"the run needed more memory than it could have: {ending.detail}")
        return replace(ending, no_room=said_no_room(child.last_printed))

    def _told_to(self) -> Told | None:
        orders = self._heart.orders
        if orders.cancel_requested:
            return "stopped"
        if orders.overrun:
            return "overrun"
        if orders.pause_requested:
            return "stopped"
        return "drained" if orders.drain_requested or self._stop_requested() else None

    def _wanted_memory(self, child: Child, killed_before: int | None) -> bool:
        """Say whether a child that ended without a word did so because it was refused memory, or killed for it."""
        if said_out_of_memory(child.last_printed):
            return True
        killed = self._kernel_kills()
        rose = killed is not None and killed_before is not None and killed > killed_before
        return child.exit_status == -signal.SIGKILL and rose


def _judge(exit_status: int, last: Event | None, told_to: Told | None) -> Ending:
    """Say how a child ended, from its exit status, its last event and what it was told."""
    if exit_status == EXIT_FINISHED and last is not None and last.type != "failed":
        return Ending("finished", data=last.data)
    if exit_status == EXIT_FAILED and last is not None and last.type == "failed":
        return Ending("failed", str(last.data["detail"]), last.data)
    if told_to is not None:
        return Ending(told_to)
    if exit_status == EXIT_STOPPED:
        return Ending("crashed", "the run stopped although nobody had asked it to")
    how = f"signal {-exit_status}" if exit_status < 0 else f"exit status {exit_status}"
    return Ending("crashed", f"the run ended without a result ({how})")

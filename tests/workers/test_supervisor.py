"""workers.supervisor: every way a child can end is told apart, and none of them leaves it running."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jobs.errors import LeaseLostError
from jobs.leases import Orders
from ticketing.folder import Event
from workers.bell import Bell
from workers.heartbeat import NO_ORDERS, Heartbeat, Rhythm
from workers.sandbox import Limits, Sandbox
from workers.supervisor import Ending, Patience, Supervisor

if TYPE_CHECKING:
    from tests.workers.conftest import Launch

NONE = Sandbox("none")
SAY = """
import json, os, signal, sys, time
def say(word, **data): os.write(3, json.dumps({"type": word, "data": data}).encode() + b"\\n")
def stopped(*_): sys.exit(5)
signal.signal(signal.SIGTERM, stopped)
"""
CANCEL = replace(NO_ORDERS, cancel_requested=True)
PAUSE = replace(NO_ORDERS, pause_requested=True)
OVERRUN = replace(NO_ORDERS, overrun=True)
DRAIN = replace(NO_ORDERS, drain_requested=True)
FINISHED = "say('finished', summary={'level': 1}, files={})"
SLEEP = "time.sleep(60)"
PATIENT = Patience(first_step_seconds=60, stall_seconds=60, grace_seconds=60)


def follow(
    launch: Launch,
    bell: Bell,
    source: str,
    *,
    patience: Patience = PATIENT,
    orders: Orders | Exception | Callable[[], Orders] = NO_ORDERS,
    stop: bool = False,
    take: Any = None,
    sandbox: Sandbox = NONE,
    memory_bytes: int | None = None,
    kernel_kills: Callable[[], int | None] = lambda: 0,
) -> Ending:
    def beat(_: Any) -> Orders:
        if isinstance(orders, Exception):
            raise orders
        return orders() if callable(orders) else orders

    with Heartbeat(beat, rhythm=Rhythm(0.02, 60), bell=bell) as heart:
        supervisor = Supervisor(heart, patience=patience, stop_requested=lambda: stop, kernel_kills=kernel_kills)
        child = launch(SAY + source, sandbox=sandbox, limits=Limits(memory_bytes or 4 << 30))
        if stop:
            bell.ring()
        ending = supervisor.follow(child, purpose="search", take=take or (lambda event: None))
        assert child.exit_status is not None
    return ending


def test_a_child_that_said_its_last_word_and_ended_well_has_finished(launch: Launch, bell: Bell) -> None:
    ending = follow(launch, bell, FINISHED)
    assert (ending.kind, ending.data["summary"]) == ("finished", {"level": 1})


def test_every_event_but_the_last_is_passed_on_in_order(launch: Launch, bell: Bell) -> None:
    taken: list[Event] = []
    phases = "".join(f"say('phase', phase='p{n}')\n" for n in range(3))
    follow(launch, bell, phases + FINISHED, take=taken.append)
    assert [event.data["phase"] for event in taken] == ["p0", "p1", "p2"]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("say('failed', code='diverged', detail='no longer finite'); sys.exit(4)", "failed"),
        ("sys.exit(4)", "crashed"),
        ("sys.exit(0)", "crashed"),
        ("sys.exit(5)", "crashed"),
        (FINISHED + "; sys.exit(1)", "crashed"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "crashed"),
        ("os.write(3, b'succeeded\\n'); " + SLEEP, "violated"),
        (FINISHED + "; " + FINISHED + "; " + SLEEP, "violated"),
    ],
    ids=["failed", "no reason", "no result", "stopped unasked", "finished badly", "killed", "forged", "talks on"],
)
def test_each_ending_is_told_apart(source: str, kind: str, launch: Launch, bell: Bell) -> None:
    assert follow(launch, bell, source).kind == kind


def test_a_failure_keeps_the_reason_the_child_gave(launch: Launch, bell: Bell) -> None:
    ending = follow(launch, bell, "say('failed', code='diverged', detail='no longer finite'); sys.exit(4)")
    assert (ending.data["code"], ending.detail) == ("diverged", "no longer finite")


@pytest.mark.parametrize(
    ("orders", "kind"), [(CANCEL, "stopped"), (PAUSE, "stopped"), (OVERRUN, "overrun"), (DRAIN, "drained")]
)
def test_each_order_asks_the_child_to_stop(orders: Orders, kind: str, launch: Launch, bell: Bell) -> None:
    assert follow(launch, bell, SLEEP, orders=orders).kind == kind


def test_a_cancel_outweighs_the_running_time_which_outweighs_a_pause(launch: Launch, bell: Bell) -> None:
    both = replace(PAUSE, overrun=True)
    assert follow(launch, bell, SLEEP, orders=both).kind == "overrun"
    assert follow(launch, bell, SLEEP, orders=replace(both, cancel_requested=True)).kind == "stopped"


def test_what_a_child_saves_when_it_is_asked_to_stop_is_passed_on(launch: Launch, bell: Bell) -> None:
    taken: list[str] = []
    obedient = """
def saved(*_): say('phase', phase='saved'); sys.exit(5)
signal.signal(signal.SIGTERM, saved); say('phase', phase='ready')
"""
    ending = follow(
        launch,
        bell,
        obedient + SLEEP,
        orders=lambda: PAUSE if taken else NO_ORDERS,
        take=lambda event: taken.append(event.data["phase"]),
    )
    assert ending.kind == "stopped"
    assert taken == ["ready", "saved"]


def test_a_worker_told_to_stop_asks_its_child_to_stop(launch: Launch, bell: Bell) -> None:
    assert follow(launch, bell, SLEEP, stop=True).kind == "drained"


def test_a_child_that_finished_before_it_heard_of_the_stop_has_finished(launch: Launch, bell: Bell) -> None:
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN); say('phase', phase='ready'); time.sleep(0.2)\n"
    assert follow(launch, bell, ignore + FINISHED, stop=True).kind in ("finished", "drained")


def test_a_child_that_does_not_stop_when_asked_is_killed_after_the_grace(launch: Launch, bell: Bell) -> None:
    stubborn = f"signal.signal(signal.SIGTERM, signal.SIG_IGN); say('phase', phase='ready'); {SLEEP}"
    patience = Patience(first_step_seconds=60, stall_seconds=60, grace_seconds=0.3)
    assert follow(launch, bell, stubborn, patience=patience, orders=CANCEL).kind == "stopped"


def test_silence_from_the_start_is_a_stall(launch: Launch, bell: Bell) -> None:
    patience = Patience(first_step_seconds=0.3, stall_seconds=60, grace_seconds=60)
    assert follow(launch, bell, SLEEP, patience=patience).kind == "stalled"


def test_silence_after_the_first_progress_is_a_stall_sooner(launch: Launch, bell: Bell) -> None:
    patience = Patience(first_step_seconds=60, stall_seconds=0.3, grace_seconds=60)
    assert follow(launch, bell, f"say('progress', fraction=0.1); {SLEEP}", patience=patience).kind == "stalled"


def test_a_child_that_keeps_talking_is_not_stalled(launch: Launch, bell: Bell) -> None:
    patience = Patience(first_step_seconds=60, stall_seconds=1, grace_seconds=60)
    talk = "say('progress', fraction=0.1)\nfor n in range(15): time.sleep(0.1); say('phase', phase='prune')\n"
    assert follow(launch, bell, talk + FINISHED, patience=patience).kind == "finished"


@pytest.mark.parametrize(
    "last_words", ["MemoryError", "terminate called after throwing an instance of 'std::bad_alloc'"]
)
def test_a_child_that_dies_with_words_of_memory_is_exhausted(last_words: str, launch: Launch, bell: Bell) -> None:
    ending = follow(launch, bell, f"print({last_words!r}, flush=True); os.abort()")
    assert ending.kind == "exhausted"


def test_an_allocation_beyond_its_limit_exhausts_a_child(launch: Launch, bell: Bell) -> None:
    ending = follow(launch, bell, "held = bytearray(1 << 30)", sandbox=Sandbox("rlimits"), memory_bytes=512 << 20)
    assert ending.kind == "exhausted"


@pytest.mark.parametrize(
    ("source", "kind"), [("os.kill(os.getpid(), signal.SIGKILL)", "exhausted"), ("sys.exit(1)", "crashed")]
)
def test_a_killed_child_is_exhausted_if_the_kernel_has_killed_for_want_of_memory(
    source: str, kind: str, launch: Launch, bell: Bell
) -> None:
    counts = iter([7, 8])
    assert follow(launch, bell, source, kernel_kills=lambda: next(counts, 8)).kind == kind


def test_a_killed_child_has_crashed_where_the_kernel_counts_no_such_kills(launch: Launch, bell: Bell) -> None:
    killed = "os.kill(os.getpid(), signal.SIGKILL)"
    assert follow(launch, bell, killed, kernel_kills=lambda: None).kind == "crashed"
    assert follow(launch, bell, killed, kernel_kills=lambda: 7).kind == "crashed"


def test_a_child_that_found_the_disk_full_says_so(launch: Launch, bell: Bell) -> None:
    ending = follow(launch, bell, "raise OSError(28, 'No space left on device')")
    assert (ending.kind, ending.no_room) == ("crashed", True)


def test_a_lost_lease_ends_the_child(launch: Launch, bell: Bell) -> None:
    assert follow(launch, bell, SLEEP, orders=LeaseLostError("taken over")).kind == "lost"


def test_a_refused_commit_ends_the_child(launch: Launch, bell: Bell) -> None:
    def refuse(event: Event) -> None:
        raise LeaseLostError("taken over")

    assert follow(launch, bell, f"say('phase', phase='prune'); {SLEEP}", take=refuse).kind == "lost"


def test_a_fault_of_the_worker_ends_the_child_and_is_raised(launch: Launch, bell: Bell) -> None:
    def fail(event: Event) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        follow(launch, bell, f"say('phase', phase='prune'); {SLEEP}", take=fail)


def test_a_message_quotes_nothing_the_child_said(launch: Launch, bell: Bell) -> None:
    forged = json.dumps({"type": "s3cret", "data": {}})
    ending = follow(launch, bell, f"os.write(3, {forged!r}.encode() + b'\\n'); {SLEEP}")
    assert "s3cret" not in ending.detail

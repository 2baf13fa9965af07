"""workers.supervisor: every way a child can end is told apart, and none of them leaves it running."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jobs.errors import LeaseLostError
from jobs.leases import Orders
from ticketing.folder import Event
from workers.bell import Bell
from workers.heartbeat import Heartbeat, Rhythm
from workers.sandbox import Sandbox
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
NO_ORDERS = Orders(cancel_requested=False, pause_requested=False)
FINISHED = "say('finished', summary={'level': 1}, files={})"
SLEEP = "time.sleep(60)"
PATIENT = Patience(first_step_seconds=60, stall_seconds=60, grace_seconds=60)


def follow(
    launch: Launch,
    bell: Bell,
    source: str,
    *,
    patience: Patience = PATIENT,
    orders: Orders | Exception = NO_ORDERS,
    stop: bool = False,
    take: Any = None,
) -> Ending:
    def beat(_: Any) -> Orders:
        if isinstance(orders, Exception):
            raise orders
        return orders

    with Heartbeat(beat, rhythm=Rhythm(0.02, 60), bell=bell) as heart:
        supervisor = Supervisor(heart, patience=patience, stop_requested=lambda: stop)
        child = launch(SAY + source, sandbox=NONE)
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


def test_a_cancel_asks_the_child_to_stop(launch: Launch, bell: Bell) -> None:
    assert follow(launch, bell, SLEEP, orders=Orders(True, False)).kind == "cancelled"


def test_a_worker_told_to_stop_asks_its_child_to_stop(launch: Launch, bell: Bell) -> None:
    assert follow(launch, bell, SLEEP, stop=True).kind == "drained"


def test_a_child_that_finished_before_it_heard_of_the_stop_has_finished(launch: Launch, bell: Bell) -> None:
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN); say('phase', phase='ready'); time.sleep(0.2)\n"
    assert follow(launch, bell, ignore + FINISHED, stop=True).kind in ("finished", "drained")


def test_a_child_that_does_not_stop_when_asked_is_killed_after_the_grace(launch: Launch, bell: Bell) -> None:
    stubborn = f"signal.signal(signal.SIGTERM, signal.SIG_IGN); say('phase', phase='ready'); {SLEEP}"
    patience = Patience(first_step_seconds=60, stall_seconds=60, grace_seconds=0.3)
    assert follow(launch, bell, stubborn, patience=patience, orders=Orders(True, False)).kind == "cancelled"


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

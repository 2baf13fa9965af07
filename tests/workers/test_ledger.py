"""workers.ledger: durable facts enter the job with the checkpoint that carries them, everything else at once."""

from typing import Any

import pytest

from ticketing.folder import Event, EventType
from workers.ledger import MAX_HELD, Entry, Ledger
from workers.protocol import ProtocolViolationError

CHECKPOINT = {"number": 1, "file": "000001.safetensors", "sha256": "0" * 64, "bytes": 3, "where": {}}


def level(number: int) -> Event:
    data = {"replicate": 0, "level": number, "kept": 8, "total": 10, "sparsity": 0.2, "validation_accuracy": 0.9}
    return Event(type="level_completed", data=data)


def said(word: EventType, **data: Any) -> Event:
    return Event(type=word, data=data)


def types(entry: Entry | None) -> list[str]:
    assert entry is not None
    return [event.type for event in entry.events]


def test_facts_are_held_back_until_their_checkpoint_and_enter_before_it() -> None:
    ledger = Ledger()
    assert ledger.take(said("mask_drawn", replicate=0, level=1)) is None
    assert ledger.take(level(1)) is None
    entry = ledger.take(said("checkpoint_saved", **CHECKPOINT))
    assert types(entry) == ["job.mask_drawn", "job.level_completed", "job.checkpoint_saved"]
    assert entry is not None
    assert [(row.replicate, row.level, row.kept) for row in entry.levels] == [(0, 1, 8)]
    assert entry.checkpoint == CHECKPOINT


def test_facts_enter_once() -> None:
    ledger = Ledger()
    ledger.take(level(1))
    ledger.take(said("checkpoint_saved", **CHECKPOINT))
    assert types(ledger.take(said("checkpoint_saved", **CHECKPOINT))) == ["job.checkpoint_saved"]
    assert ledger.rest() == Entry([], [])


def test_what_no_checkpoint_carried_is_left_for_the_end() -> None:
    ledger = Ledger()
    ledger.take(said("ticket_found", level=3, sparsity=0.5))
    assert types(ledger.rest()) == ["job.ticket_found"]


def test_phases_and_warnings_enter_at_once() -> None:
    ledger = Ledger()
    phase, warning = ledger.take(said("phase", phase="prune")), ledger.take(said("warning", code="a", detail="b"))
    assert phase is not None
    assert warning is not None
    assert (phase.phase, types(phase)) == ("prune", ["job.phase"])
    assert warning.warnings == [{"code": "a", "detail": "b"}]
    assert warning.events[0].severity == "warning"


def test_progress_is_no_part_of_the_log() -> None:
    assert Ledger().take(said("progress", fraction=0.5)) is None


def test_the_execution_key_is_the_one_the_attempt_started_with() -> None:
    ledger = Ledger()
    assert types(ledger.take(said("started", execution_key={"device": "cpu"}))) == ["job.started"]
    assert ledger.execution_key == {"device": "cpu"}


def test_facts_without_end_are_a_violation() -> None:
    ledger = Ledger()
    for number in range(MAX_HELD):
        ledger.take(level(number))
    with pytest.raises(ProtocolViolationError, match=str(MAX_HELD)):
        ledger.take(level(0))

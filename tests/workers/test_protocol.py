"""workers.protocol: only whole, bounded, known events get through, however the bytes arrive."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.folder import MAX_EVENT_BYTES
from workers.protocol import LAST, EventReader, ProtocolViolationError, Purpose, parse

SHA256 = "0" * 64
LEVEL = {"replicate": 0, "level": 1, "kept": 80, "total": 100, "sparsity": 0.2}
GOOD: dict[str, dict[str, Any]] = {
    "started": {"resumed_from": None, "execution_key": {"device": "cpu"}, "torch": "2.13.0"},
    "phase": {"phase": "train_dense"},
    "progress": {"fraction": 0.5},
    "level_completed": LEVEL | {"validation_accuracy": 0.9},
    "mask_drawn": LEVEL | {"layers": {"fc.weight": 80}},
    "ticket_found": {"level": 1, "sparsity": 0.2},
    "checkpoint_saved": {"number": 7, "file": "000007.safetensors", "sha256": SHA256, "bytes": 10, "where": {}},
    "warning": {"code": "small_test_split", "detail": "360 examples"},
    "failed": {"code": "diverged", "detail": "the loss is no longer finite"},
    "finished": {
        "summary": {"sparsity": 0.2, "accuracy_drop": None},
        "files": {"report.json": {"sha256": SHA256, "bytes": 2}},
    },
    "inspected": {
        "summary": {"shape": [1, 8, 8], "classes": 10, "splits": {"train": 1437}, "fingerprint": SHA256},
        "warnings": [],
    },
    "verified": {"files": {"report.json": SHA256}},
}
PURPOSES: tuple[Purpose, ...] = ("search", "inspect", "verify")


def line(word: str, data: dict[str, Any]) -> bytes:
    return json.dumps({"type": word, "data": data}).encode()


@pytest.mark.parametrize("word", GOOD)
def test_every_event_of_the_contract_is_read(word: str) -> None:
    event = parse(line(word, GOOD[word]))
    assert (event.type, event.data) == (word, GOOD[word])


@pytest.mark.parametrize("word", [w for w in GOOD if w not in ("inspected",)])
def test_an_event_without_what_it_must_carry_is_a_violation(word: str) -> None:
    with pytest.raises(ProtocolViolationError, match="expected an event"):
        parse(line(word, {}))


@given(st.lists(st.sampled_from(["phase", "progress", "level_completed", "warning"]), max_size=6), st.data())
def test_events_are_the_same_however_the_bytes_are_cut(words: list[str], data: st.DataObject) -> None:
    said = b"".join(line(word, GOOD[word]) + b"\n" for word in words)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(said)), max_size=8)))
    pieces = [said[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True)]
    reader = EventReader("search")
    assert [event.type for piece in pieces for event in reader.feed(piece)] == words


@pytest.mark.parametrize(
    "forged",
    [
        b'{"type": "succeeded", "data": {}}',
        b'{"type": "job.succeeded", "data": {}}',
        b'{"type": "phase", "data": {"phase": "train_dense"}, "seq": 1}',
        b'{"type": "phase", "data": {"phase": "<script>"}}',
        b'{"type": "phase", "data": {"phase": "prune", "x": NaN}}',
        b'{"type": "phase", "data": {"phase": "prune", "x": 1e999}}',
        b'{"type": "phase", "data": {"phase": "prune", "x": 9223372036854775808}}',
        b'{"type": "phase", "data": {"phase": "prune", "x": "\\u0000"}}',
        b'{"type": "progress", "data": {"fraction": 1.5}}',
        b'{"type": "progress", "data": {"fraction": true}}',
        b'{"type": "checkpoint_saved", "data": {"number": 1, "file": "../../x", "sha256": "' + b"0" * 64 + b'"}}',
        b"[" * 100_000,
        b"",
        b"null",
        b"\xff",
    ],
    ids=lambda forged: forged[:60].decode(errors="replace"),
)
def test_anything_else_is_a_violation(forged: bytes) -> None:
    with pytest.raises(ProtocolViolationError):
        parse(forged)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_events_or_a_violation(said: bytes) -> None:
    with suppress(ProtocolViolationError):
        EventReader("search").feed(said)


def test_texts_and_nesting_are_bounded() -> None:
    nested: dict[str, Any] = {}
    for _ in range(20):
        nested = {"x": nested}
    for data in ({"phase": "prune", "x": "a" * 5000}, {"phase": "prune", "x": nested}):
        with pytest.raises(ProtocolViolationError):
            parse(line("phase", data))


def test_a_line_without_an_end_is_a_violation_as_soon_as_it_is_too_long() -> None:
    reader = EventReader("search")
    reader.feed(b"x" * MAX_EVENT_BYTES)
    with pytest.raises(ProtocolViolationError, match=str(MAX_EVENT_BYTES)):
        reader.feed(b"x")


@pytest.mark.parametrize("purpose", PURPOSES)
def test_each_errand_may_end_only_in_its_own_words(purpose: Purpose) -> None:
    endings = {"search": {"finished", "failed"}, "inspect": {"inspected", "failed"}, "verify": {"verified", "failed"}}
    for word in LAST:
        reader = EventReader(purpose)
        if word in endings[purpose]:
            assert len(reader.feed(line(word, GOOD[word]) + b"\n")) == 1
        else:
            with pytest.raises(ProtocolViolationError):
                reader.feed(line(word, GOOD[word]) + b"\n")


def test_nothing_may_be_said_after_the_last_word() -> None:
    reader = EventReader("search")
    reader.feed(line("finished", GOOD["finished"]) + b"\n")
    with pytest.raises(ProtocolViolationError, match="no more events"):
        reader.feed(line("phase", GOOD["phase"]) + b"\n")

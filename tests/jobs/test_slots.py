"""jobs.slots: who lives, who may claim what, and which hints somebody will read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs import slots
from jobs.slots import FORGET_SECONDS, SlotIdentity

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench


def live(bench: Bench) -> dict[str, int]:
    with bench.db.read() as conn:
        return slots.live(conn, within_seconds=60)


def test_slots_are_counted_by_kind(bench: Bench) -> None:
    for kind, owner in (("cpu", "a"), ("cpu", "b"), ("inspect", "c")):
        bench.announce(kind, owner)
    assert live(bench) == {"cpu": 2, "inspect": 1}


def test_a_silent_slot_no_longer_lives_until_it_is_seen_again(bench: Bench) -> None:
    bench.announce("cpu", "a")
    bench.elapse(61)
    assert live(bench) == {}
    with bench.db.write() as conn:
        slots.seen(conn, "a")
    assert live(bench) == {"cpu": 1}


def test_a_slot_that_starts_again_is_listed_once(bench: Bench) -> None:
    bench.announce("cpu", "a")
    bench.announce("cpu", "a")
    assert live(bench) == {"cpu": 1}


def test_a_slot_that_ends_is_no_longer_listed(bench: Bench) -> None:
    bench.announce("cpu", "a")
    with bench.db.write() as conn:
        slots.withdraw(conn, "a")
        assert slots.listed(conn, within_seconds=60) == []


def test_a_slot_that_has_been_silent_for_long_is_forgotten(bench: Bench) -> None:
    bench.announce("cpu", "a")
    bench.elapse(FORGET_SECONDS + 1)
    bench.announce("cpu", "b")
    with bench.db.write() as conn:
        slots.forget_silent(conn)
        assert [slot["id"] for slot in slots.listed(conn, within_seconds=60)] == ["b"]


def test_a_list_tells_what_each_slot_is_on(bench: Bench) -> None:
    bench.announce("cpu", "slot-1")
    job_id = bench.running().lease.job_id
    with bench.db.write() as conn:
        slots.seen(conn, "slot-1", job_id=job_id)
        (shown,) = slots.listed(conn, within_seconds=60)
    assert (shown["kind"], shown["live"], shown["sandbox"], shown["job"]) == ("cpu", True, "landlock", job_id)


@pytest.mark.parametrize(
    ("kind", "device", "kinds"),
    [
        ("search", "any", ("cpu", "gpu")),
        ("search", "cpu", ("cpu",)),
        ("search", "gpu", ("gpu",)),
        ("inspect", "any", ("inspect",)),
    ],
)
def test_each_job_suits_its_kinds_of_slot(kind: str, device: str, kinds: tuple[str, ...]) -> None:
    assert slots.kinds_for(kind, device) == kinds


def test_a_hint_is_worth_sending_where_there_is_a_slot_to_read_it(bench: Bench) -> None:
    bench.announce("cpu", "a")
    with bench.db.read() as conn:
        assert slots.worth_a_hint(conn, kind="search", device="any") == ("cpu",)
        assert slots.worth_a_hint(conn, kind="search", device="gpu") == ()


@pytest.mark.parametrize(
    ("sandbox", "whether"), [("none", False), ("rlimits", False), ("landlock", True), ("container", True)]
)
def test_uploads_are_run_from_level_landlock_on(sandbox: str, whether: bool) -> None:
    assert SlotIdentity("a", ("cpu",), sandbox).accepts_uploads is whether

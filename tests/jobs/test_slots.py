"""jobs.slots: who lives, who may claim what, and which hints somebody will read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs import slots
from jobs.slots import FORGET_SECONDS, Able, Capabilities, SlotIdentity

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
        ("grid", "gpu", ("cpu", "gpu", "inspect")),
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


def test_what_was_told_of_a_slot_outweighs_its_level() -> None:
    for said in (True, False):
        assert SlotIdentity("a", ("cpu",), "rlimits", capabilities=Capabilities(uploads=said)).accepts_uploads is said


def test_a_slot_tells_what_it_has(bench: Bench) -> None:
    has = Capabilities("NVIDIA H200", 141 << 30, "2.13.0", ("s3",), recipe_version=2, checkpoint_version=3)
    with bench.db.write() as conn:
        slots.announce(conn, SlotIdentity("a", ("gpu",), "landlock", "host-1", has), about={"threads": 4})
        (shown,) = slots.listed(conn, within_seconds=60)
        assert slots.able(conn, within_seconds=60) == {Able("gpu", 2, 3, uploads=True)}
    assert (shown["host"], shown["about"]["device"], shown["about"]["threads"]) == ("host-1", "NVIDIA H200", 4)
    assert (shown["about"]["memory_bytes"], shown["about"]["extras"]) == (141 << 30, ["s3"])


def test_slots_are_drained_one_by_one_by_host_or_all(bench: Bench) -> None:
    with bench.db.write() as conn:
        for name, host in (("a", "x"), ("b", "x"), ("c", "y")):
            slots.announce(conn, SlotIdentity(name, ("cpu",), "landlock", host), about={})
        assert slots.request_drain(conn, slot_id="a") == ("a",)
        assert slots.request_drain(conn, host="x") == ("a", "b")
        assert slots.request_drain(conn, slot_id="nobody") == ()
        assert [slots.seen(conn, name) for name in ("a", "b", "c", "nobody")] == [True, True, False, False]
        assert slots.live(conn, within_seconds=60) == {"cpu": 1}
        assert slots.request_drain(conn) == ("a", "b", "c")


def test_a_blocked_slot_is_no_slot_to_send_hints_to_until_it_is_free_again(bench: Bench) -> None:
    with bench.db.write() as conn:
        slots.announce(conn, SlotIdentity("a", ("cpu",), "landlock"), about={}, blocked="disk_full")
        assert slots.live(conn, within_seconds=60) == {}
        slots.block(conn, "a", reason=None)
        assert slots.live(conn, within_seconds=60) == {"cpu": 1}

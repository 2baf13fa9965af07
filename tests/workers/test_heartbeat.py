"""workers.heartbeat: the lease is renewed in time, its loss ends the work, progress and orders travel with it."""

import select
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from jobs.errors import LeaseLostError
from jobs.leases import Orders
from workers.bell import Bell
from workers.heartbeat import NO_ORDERS, Heartbeat, Rhythm

SECONDS = 10.0


class Lease:
    """A lease whose renewals a test watches and answers."""

    def __init__(self) -> None:
        self.shown: list[Mapping[str, Any] | None] = []
        self.answers: list[Orders | Exception] = []
        self._changed = threading.Condition()

    def __call__(self, progress: Mapping[str, Any] | None) -> Orders:
        with self._changed:
            self.shown.append(progress)
            self._changed.notify_all()
            answer = self.answers.pop(0) if self.answers else Orders(False, False)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait_for(self, beats: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.shown) >= beats, timeout=SECONDS)


def rang(bell: Bell) -> bool:
    """Wait for the bell."""
    return bool(select.select([bell], [], [], SECONDS)[0])


def test_it_beats_again_and_again(bell: Bell) -> None:
    lease = Lease()
    with Heartbeat(lease, rhythm=Rhythm(0.01, 60), bell=bell) as heart:
        lease.wait_for(5)
        assert not heart.lost
    assert lease.shown[:5] == [None] * 5


def test_progress_is_shown_soon_and_the_newest_alone(bell: Bell) -> None:
    lease = Lease()
    with Heartbeat(lease, rhythm=Rhythm(60, 600, progress_seconds=0.2), bell=bell) as heart:
        for fraction in (0.1, 0.2, 0.3):
            heart.show({"fraction": fraction})
        lease.wait_for(1)
    assert lease.shown == [{"fraction": 0.3}]


def test_hurrying_beats_at_once(bell: Bell) -> None:
    lease = Lease()
    with Heartbeat(lease, rhythm=Rhythm(60, 600), bell=bell) as heart:
        heart.hurry()
        lease.wait_for(1)


@pytest.mark.parametrize("wanted", ["cancel_requested", "pause_requested", "overrun", "drain_requested"])
def test_every_order_rings_the_bell(wanted: str, bell: Bell) -> None:
    lease = Lease()
    ordered = replace(NO_ORDERS, **{wanted: True})
    lease.answers = [ordered, *[ordered] * 10_000]
    with Heartbeat(lease, rhythm=Rhythm(0.01, 60), bell=bell) as heart:
        assert rang(bell)
        assert heart.orders == ordered
        assert not heart.lost


def test_a_pause_that_is_taken_back_is_no_order_any_more(bell: Bell) -> None:
    lease = Lease()
    lease.answers = [replace(NO_ORDERS, pause_requested=True), NO_ORDERS]
    with Heartbeat(lease, rhythm=Rhythm(0.01, 60), bell=bell) as heart:
        lease.wait_for(3)
        assert heart.orders == NO_ORDERS


def test_a_refused_beat_is_the_end_of_the_lease(bell: Bell) -> None:
    lease = Lease()
    lease.answers = [LeaseLostError("taken over")]
    with Heartbeat(lease, rhythm=Rhythm(0.01, 60), bell=bell) as heart:
        assert rang(bell)
        assert (heart.lost, heart.refused) == (True, True)
    assert len(lease.shown) == 1


def test_a_database_that_is_away_for_a_while_does_not_lose_the_lease(bell: Bell) -> None:
    lease = Lease()
    lease.answers = [OperationalError("beat", {}, Exception("away"))] * 3
    with Heartbeat(lease, rhythm=Rhythm(0.01, 60), bell=bell) as heart:
        lease.wait_for(5)
        assert not heart.lost


def test_without_a_beat_in_time_the_lease_counts_as_lost_but_not_as_refused(bell: Bell) -> None:
    lease = Lease()
    lease.answers = [OperationalError("beat", {}, Exception("away"))] * 1000
    with Heartbeat(lease, rhythm=Rhythm(0.01, 0.3), bell=bell) as heart:
        assert rang(bell)
        assert (heart.lost, heart.refused) == (True, False)


@pytest.mark.parametrize(("ttl", "margin"), [(60, 10), (600, 10), (3, 0.5)])
def test_the_work_stops_well_before_the_lease_can_expire(ttl: float, margin: float) -> None:
    assert Rhythm(15, ttl).margin_seconds == margin


def test_it_is_overdue_by_the_clock_of_this_machine_even_while_a_beat_hangs(bell: Bell) -> None:
    now = [100.0]
    heart = Heartbeat(Lease(), rhythm=Rhythm(15, 60), bell=bell, clock=lambda: now[0])
    now[0] = 149.9
    assert not heart.overdue
    now[0] = 150.0
    assert heart.overdue

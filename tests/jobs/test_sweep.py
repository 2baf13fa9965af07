"""jobs.sweep: ends what expired and nothing else, and asks for as many hints as slots can use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from jobs.idempotency import KEPT_SECONDS, reserve
from jobs.leases import MAX_STRIKES, beat, request_cancel
from jobs.sweep import LAST_SWEEP
from jobs.tables import counter, idempotency, slot

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench


def test_a_lease_that_holds_is_left_alone(bench: Bench) -> None:
    lease = bench.running().lease
    bench.elapse(59)
    swept = bench.sweep()
    assert (swept.requeued, swept.failed, swept.cancelled) == ((), (), ())
    assert bench.state(lease.job_id) == "running"


def test_an_expired_lease_ends_with_a_strike(bench: Bench) -> None:
    lease = bench.running().lease
    bench.expire()
    assert bench.sweep().requeued == (lease.job_id,)
    row = bench.row(lease.job_id)
    assert (row["state"], row["strikes"], row["reason"], row["owner"]) == ("queued", 1, "worker_lost", None)
    assert bench.sweep().requeued == ()


def test_a_job_that_loses_every_worker_fails_and_others_run(bench: Bench) -> None:
    poison = bench.running().lease.job_id
    bench.submit()
    for _ in range(MAX_STRIKES - 1):
        bench.expire()
        bench.sweep()
        bench.elapse(6)  # the delay before a third attempt
        assert bench.claim().lease.job_id == poison
    bench.expire()
    assert bench.sweep().failed == (poison,)
    assert bench.row(poison)["error"]["code"] == "worker_lost"
    assert bench.claim().lease.job_id != poison


def test_every_expired_lease_ends_as_it_should_in_one_sweep(bench: Bench) -> None:
    lost, cancelled = bench.running().lease.job_id, bench.running().lease.job_id
    request_cancel(bench.db, tenant="ada", job_id=cancelled)
    bench.expire()
    swept = bench.sweep()
    assert (swept.requeued, swept.cancelled) == ((lost,), (cancelled,))


@pytest.mark.parametrize(
    ("jobs", "cpu_slots", "hints"), [(0, 2, {}), (3, 2, {"cpu": 3}), (9, 2, {"cpu": 4}), (9, 0, {})]
)
def test_hints_are_as_many_as_there_is_work_but_two_per_slot_at_most(
    bench: Bench, jobs: int, cpu_slots: int, hints: dict[str, int]
) -> None:
    bench.ready()
    for n in range(cpu_slots):
        bench.announce("cpu", f"cpu-{n}")
    for _ in range(jobs):
        bench.submit()
    assert bench.sweep().hints == hints


def test_each_kind_of_slot_gets_hints_for_its_own_work(bench: Bench) -> None:
    for kind in ("cpu", "gpu", "inspect"):
        bench.announce(kind)
    bench.submit(device="gpu")
    assert bench.sweep().hints == {"inspect": 1}
    bench.ready()
    assert bench.sweep().hints == {"gpu": 1}


def test_a_job_that_was_lost_gets_its_hint_in_the_same_sweep(bench: Bench) -> None:
    bench.running()
    bench.expire()
    bench.announce("cpu")
    assert bench.sweep().hints == {"cpu": 1}


def test_what_is_over_is_forgotten(bench: Bench) -> None:
    bench.announce("cpu")
    reserve(bench.db, tenant="ada", key="k", request=b"")
    bench.elapse(KEPT_SECONDS + 1)
    bench.sweep()
    assert [bench.count(table) for table in (slot, idempotency)] == [0, 0]


def away(bench: Bench, seconds: float) -> None:
    """Let time pass in which no sweep could be made."""
    bench.elapse(seconds)
    with bench.db.write() as conn:
        last = counter.c.name == LAST_SWEEP
        conn.execute(update(counter).where(last).values(value=counter.c.value - round(1000 * seconds)))


def test_an_outage_is_no_strike_and_the_worker_that_comes_back_goes_on(bench: Bench) -> None:
    lease = bench.running().lease
    bench.sweep()
    away(bench, 300)
    swept = bench.sweep()
    assert (swept.renewed, swept.requeued) == (1, ())
    beat(bench.db, lease, ttl_seconds=60)
    assert (bench.state(lease.job_id), bench.row(lease.job_id)["strikes"]) == ("running", 0)


def test_a_worker_that_did_not_survive_an_outage_is_found_one_term_later(bench: Bench) -> None:
    lease = bench.running().lease
    bench.sweep()
    away(bench, 300)
    bench.sweep()
    bench.elapse(59)
    assert bench.sweep().requeued == ()
    bench.elapse(2)
    assert bench.sweep().requeued == (lease.job_id,)
    assert bench.row(lease.job_id)["strikes"] == 1


def test_a_sweep_that_is_a_little_late_is_no_outage(bench: Bench) -> None:
    lease = bench.running().lease
    bench.sweep()
    away(bench, 29)
    bench.sweep()
    bench.elapse(32)
    assert bench.sweep().requeued == (lease.job_id,)


def test_sweeps_that_are_rarer_than_leases_run_out_are_no_outage(bench: Bench) -> None:
    bench.settings = bench.settings.model_copy(update={"sweep_seconds": 100.0})
    lease = bench.running().lease
    bench.sweep()
    away(bench, 299)
    assert bench.sweep().requeued == (lease.job_id,)

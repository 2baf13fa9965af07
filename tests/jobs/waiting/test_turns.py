"""jobs.waiting.turns: the next job is the one a slow and obvious reading of the rules would choose, at one cost."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, update

from jobs.leases import claim
from jobs.slots import Capabilities, SlotIdentity
from jobs.tables import job
from jobs.waiting import turns

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

TENANTS = ("ada", "bob", "eve")
KNOWN = Capabilities(recipe_version=1, checkpoint_version=1)


@dataclass(frozen=True)
class Waiting:
    """What the rules look at of a job."""

    tenant: str
    priority: int
    age: int
    device: str
    recipe_version: int
    delayed: bool


waiting = st.builds(
    Waiting,
    tenant=st.sampled_from(TENANTS),
    priority=st.integers(-1, 1),
    age=st.integers(0, 3),
    device=st.sampled_from(["any", "cpu", "gpu"]),
    recipe_version=st.sampled_from([1, 1, 1, 2]),
    delayed=st.sampled_from([False, False, True]),
)


def write(bench: Bench, jobs: list[Waiting]) -> dict[str, Waiting]:
    """Put jobs into the table, nothing else in it."""
    for tenant in TENANTS:
        bench.ready(tenant=tenant)
    written = {bench.submit(tenant=one.tenant): one for one in jobs}
    with bench.db.write() as conn:
        for job_id, one in written.items():
            values = {"priority": one.priority, "created_at": 1000.0 - one.age, "device": one.device}
            values |= {"recipe_version": one.recipe_version, "not_before": 4e9 if one.delayed else 0.0}
            conn.execute(update(job).where(job.c.id == job_id).values(values))
    return written


def by_the_rules(left: dict[str, Waiting], running: Counter[str], kind: str) -> str | None:
    """Choose slowly: fewest running of its tenant, then priority, then age."""
    fitting = {
        job_id: one
        for job_id, one in left.items()
        if one.device in ("any", kind) and one.recipe_version == 1 and not one.delayed
    }
    return min(
        fitting, key=lambda i: (running[fitting[i].tenant], -fitting[i].priority, -fitting[i].age, i), default=None
    )


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(jobs=st.lists(waiting, max_size=10), kinds=st.lists(st.sampled_from(["cpu", "gpu"]), min_size=1, max_size=10))
def test_jobs_are_claimed_in_the_order_of_the_rules(
    fresh_bench: Callable[[], Bench], jobs: list[Waiting], kinds: list[str]
) -> None:
    bench = fresh_bench()
    left, running = write(bench, jobs), Counter[str]()
    for number, kind in enumerate(kinds):
        slot = SlotIdentity(f"slot-{number}", (kind,), "landlock", capabilities=KNOWN)
        expected = by_the_rules(left, running, kind)
        taken = claim(bench.db, slot=slot, ttl_seconds=60)
        assert (taken.lease.job_id if taken else None) == expected
        if expected is not None:
            running[left.pop(expected).tenant] += 1


def test_of_one_tenant_and_of_a_hundred_every_one_has_its_turn(bench: Bench) -> None:
    tenants = [f"tenant-{n}" for n in range(12)]
    for tenant in tenants:
        bench.ready(tenant=tenant)
        for _ in range(2):
            bench.submit(tenant=tenant)
    rounds = [{bench.claim(f"slot-{turn}-{n}").lease.tenant for n in range(12)} for turn in range(2)]
    assert rounds == [set(tenants), set(tenants)]


@pytest.mark.backends("postgresql")
def test_what_other_slots_are_taking_at_the_instant_counts_as_running(bench: Bench) -> None:
    waits = [Waiting(*of, "cpu", 1, False) for of in (("ada", 0, 3), ("ada", 0, 2), ("ada", 0, 1), ("bob", 0, 0))]
    oldest, second, _, bobs = write(bench, waits)
    with bench.db.write() as other:
        other.execute(select(job.c.id).where(job.c.id == oldest).with_for_update())
        # Neither has anything running yet: passed over without being counted, ada's oldest would be followed by ada's.
        assert bench.claim("slot-1").lease.job_id == bobs
        assert bench.claim("slot-2").lease.job_id == second


def copies(conn: Connection, job_id: str, count: int, **changes: Any) -> None:
    """Write a queued job again and again, each older than the last."""
    row = dict(conn.execute(select(job).where(job.c.id == job_id)).mappings().one())
    rows = [row | {"id": f"copy-{n}", "created_at": row["created_at"] + 1 + n} | changes for n in range(count)]
    conn.execute(insert(job), rows)


def steps_of(conn: Connection, act: Callable[[], Any]) -> int:
    """Count what SQLite's machine does for it, in steps of 10 instructions."""
    raw = conn.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    raw.set_progress_handler(count, 10)
    act()
    raw.set_progress_handler(None, 10)
    return steps


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("ahead", [{}, {"device": "gpu"}], ids=["claimable", "for another device"])
def test_a_look_costs_the_same_however_many_wait(fresh_bench: Callable[[], Bench], ahead: dict[str, str]) -> None:
    slot, costs = SlotIdentity("slot", ("cpu",), "landlock"), []
    for count in (10, 3000):
        bench = fresh_bench()
        bench.ready()
        job_id = bench.submit()
        with bench.db.write() as conn:
            copies(conn, job_id, count, **ahead)
            heads = [head.id for head in turns.in_turn(conn, turns.look(conn, slot))]
            assert heads == [job_id]
            costs.append(steps_of(conn, lambda: turns.in_turn(conn, turns.look(conn, slot))))
    assert costs[1] <= 1.1 * costs[0]


def test_a_grid_takes_no_more_slots_than_it_may(bench: Bench) -> None:
    bench.ready()
    grid, *points = [bench.submit() for _ in range(4)]
    alone = bench.submit(priority=-1)
    limits = {"kind": "grid", "grid": {"axes": {}, "max_parallel": 2, "points": 3}, "children_open": 3}
    with bench.db.write() as conn:
        conn.execute(update(job).where(job.c.id == grid).values(limits))
        conn.execute(update(job).where(job.c.id.in_(points)).values(parent_id=grid, point={"/seed": 1}))
    taken = [bench.claim(f"slot-{n}") for n in range(4)]
    assert [t.lease.job_id if t else None for t in taken] == [points[0], points[1], alone, None]
    assert (taken[0].parent_id, taken[0].point, taken[2].parent_id) == (grid, {"/seed": 1}, None)


def test_a_grid_itself_is_claimed_when_its_points_are_done_and_by_any_kind_of_slot(bench: Bench) -> None:
    bench.ready()
    grid = bench.submit(device="gpu")
    for kind in ("cpu", "gpu", "inspect"):
        with bench.db.write() as conn:
            values = {"kind": "grid", "children_open": 1, "state": "queued", "owner": None, "lease_until": None}
            conn.execute(update(job).where(job.c.id == grid).values(values))
        assert bench.claim(f"early-{kind}", kinds=(kind,)) is None
        with bench.db.write() as conn:
            conn.execute(update(job).where(job.c.id == grid).values(children_open=0))
        assert bench.claim(f"slot-{kind}", kinds=(kind,)).kind == "grid"

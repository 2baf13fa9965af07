"""jobs.waiting.positions: a place in one's own queue, exact up to a thousand, and why a job does not start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, update

from jobs import slots
from jobs.blobs import Stored
from jobs.grants import grant
from jobs.pages import PageRequest
from jobs.records import Filters, Viewer, find_job, list_jobs
from jobs.slots import Capabilities, SlotIdentity
from jobs.tables import dataset, job
from jobs.waiting.positions import BOUND

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

VIEWER = Viewer("ada", "", 60)


def queue_of(bench: Bench, job_id: str) -> dict[str, Any]:
    with bench.db.read() as conn:
        queue: dict[str, Any] = find_job(conn, job_id, viewer=VIEWER).object["queue"]
    return queue


def listed(bench: Bench) -> dict[str, Any]:
    with bench.db.read() as conn:
        page = list_jobs(conn, viewer=VIEWER, filters=Filters(), page=PageRequest(200))
    return {view.id: view.object["queue"]["position"] for view in page.items}


def test_a_place_is_by_priority_then_age_whatever_the_device(bench: Bench) -> None:
    bench.ready()
    sent = [("any", 0), ("gpu", 0), ("cpu", 5), ("any", -5), ("gpu", 5)]
    ids = [bench.submit(device=device, priority=priority) for device, priority in sent]
    assert [queue_of(bench, i)["position"] for i in ids] == [3, 4, 1, 5, 2]


def test_a_list_gives_the_same_places_as_a_look_at_each(bench: Bench) -> None:
    bench.ready()
    ids = [bench.submit(device=device, priority=n % 3) for n, device in enumerate(["any", "cpu", "gpu"] * 3)]
    with bench.db.write() as conn:
        conn.execute(update(job).where(job.c.id.in_(ids[:5])).values(created_at=1000.0))  # of one age: by id
    assert listed(bench) == {i: queue_of(bench, i)["position"] for i in ids}
    assert sorted(listed(bench).values()) == list(range(1, 10))


def test_other_tenants_take_no_place(bench: Bench) -> None:
    for tenant in ("ada", "bob"):
        bench.ready(tenant=tenant)
    for _ in range(3):
        bench.submit(tenant="bob", priority=9)
    assert queue_of(bench, bench.submit())["position"] == 1


def test_a_place_is_exact_up_to_a_thousand_and_then_none_with_the_reason(bench: Bench) -> None:
    bench.announce("cpu")
    bench.ready()
    first = bench.submit()
    with bench.db.write() as conn:
        row = dict(conn.execute(select(job).where(job.c.id == first)).mappings().one())
        rows = [row | {"id": f"job_{n:04d}", "created_at": row["created_at"] + n} for n in range(1, BOUND + 1)]
        conn.execute(insert(job), rows)
    assert queue_of(bench, f"job_{BOUND - 1:04d}") == {"position": BOUND, "reason": None}
    assert queue_of(bench, f"job_{BOUND:04d}") == {"position": None, "reason": "more_than_1000_ahead"}
    places = listed(bench)  # the newest 200
    assert places[f"job_{BOUND:04d}"] is None
    assert places[f"job_{BOUND - 1:04d}"] == BOUND


@pytest.mark.parametrize(
    ("needs", "has", "reason"),
    [
        ({"priority": 1}, {}, None),
        ({"recipe_version": 9}, {}, "no_worker_for_device"),
        ({"recipe_version": 9}, {"recipe_version": 9}, None),
        ({"checkpoint_version": 9}, {"recipe_version": 9}, "no_worker_for_device"),
        ({"device": "gpu"}, {}, "no_worker_for_device"),
    ],
)
def test_a_job_that_no_slot_can_ever_run_says_so(
    bench: Bench, needs: dict[str, Any], has: dict[str, int], reason: str | None
) -> None:
    bench.ready()
    job_id = bench.submit()
    with bench.db.write() as conn:
        slots.announce(conn, SlotIdentity("a", ("cpu",), "landlock", capabilities=Capabilities(**has)), about={})
        conn.execute(update(job).where(job.c.id == job_id).values(needs))
    assert queue_of(bench, job_id)["reason"] == reason


def test_an_upload_waits_for_a_slot_that_opens_uploads(bench: Bench) -> None:
    bench.ready()
    job_id = bench.submit()
    with bench.db.write() as conn:
        grant(conn, tenant="ada", stored=Stored("a" * 64, 10))
        conn.execute(update(dataset).values(uri=None, sha256="a" * 64))
        slots.announce(conn, SlotIdentity("a", ("cpu",), "rlimits"), about={})
    assert queue_of(bench, job_id)["reason"] == "no_worker_for_device"
    bench.announce("cpu", "b")
    assert queue_of(bench, job_id)["reason"] is None


def test_a_slot_that_drains_will_never_run_it_and_one_that_is_blocked_may(bench: Bench) -> None:
    bench.ready()
    bench.announce("cpu", "a")
    job_id = bench.submit()
    with bench.db.write() as conn:
        slots.block(conn, "a", reason="disk_full")
    assert queue_of(bench, job_id)["reason"] is None
    with bench.db.write() as conn:
        slots.request_drain(conn)
    assert queue_of(bench, job_id)["reason"] == "no_worker_for_device"

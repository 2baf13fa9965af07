"""jobs.leases.claiming: who gets which job, and who gets none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from jobs import slots
from jobs.blobs import Stored
from jobs.grants import grant
from jobs.leases import Checkpoint, claim, commit, finish_inspection, has_work, release, request_cancel
from jobs.making.creation import create_job, inputs_of
from jobs.making.submissions import JobSubmission, parse
from jobs.slots import Capabilities, SlotIdentity
from jobs.tables import attempt, dataset, job

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

FILE = Stored("a" * 64, 1000)


def test_a_claim_takes_the_job_and_raises_its_attempt(bench: Bench) -> None:
    taken = bench.running()
    row = bench.row(taken.lease.job_id)
    assert (row["state"], row["attempt"], row["owner"]) == ("running", 1, "slot-1")
    assert row["lease_until"] == pytest.approx(row["started_at"] + 60, abs=0.1)
    assert taken.lease.attempt == 1


def test_a_claim_carries_all_its_slot_needs(bench: Bench) -> None:
    taken = bench.running(name="n", labels={"a": "b"}, gates={"max_bytes": 9})
    assert (taken.kind, taken.name, taken.labels, taken.gates) == ("search", "n", {"a": "b"}, {"max_bytes": 9})
    assert taken.model is not None
    assert taken.dataset is not None
    assert (taken.model.arguments["input_size"], taken.dataset.canonical_sha256) == ([8, 8], "c" * 64)
    assert taken.resolved_recipe is not None
    assert (taken.resolved_recipe["search"], taken.checkpoints, taken.strikes) == ("iterative", (), 0)


def test_a_job_is_claimed_once(bench: Bench) -> None:
    bench.running()
    assert bench.claim("slot-2") is None


def test_a_job_waits_until_its_inputs_are_ready(bench: Bench) -> None:
    job_id = bench.submit()
    assert bench.claim() is None
    bench.ready()
    assert bench.claim().lease.job_id == job_id


def test_an_inspection_is_for_inspect_slots_and_a_search_for_the_others(bench: Bench) -> None:
    bench.submit()
    assert bench.claim(kinds=("cpu", "gpu")) is None
    inspection = bench.claim(kinds=("inspect",))
    assert (inspection.kind, inspection.model, inspection.dataset.uri) == ("inspect", None, "builtin:digits")
    assert bench.claim(kinds=("inspect",)) is None


@pytest.mark.parametrize(
    ("device", "kind", "gets"),
    [("any", "cpu", True), ("any", "gpu", True), ("cpu", "gpu", False), ("gpu", "cpu", False), ("gpu", "gpu", True)],
)
def test_a_job_goes_to_the_device_it_asked_for(bench: Bench, device: str, kind: str, gets: bool) -> None:
    bench.ready()
    bench.submit(device=device)
    assert (bench.claim(kinds=(kind,)) is not None) is gets


def test_the_tenant_with_the_fewest_running_comes_first_then_priority_then_age(bench: Bench) -> None:
    for tenant in ("ada", "bob"):
        bench.ready(tenant=tenant)
    order = [
        bench.submit(tenant="ada", name="ada-old"),
        bench.submit(tenant="ada", name="ada-urgent", priority=5),
        bench.submit(tenant="ada", name="ada-young"),
        bench.submit(tenant="bob", name="bob-low", priority=-5),
    ]
    assert len(order) == 4
    assert [bench.claim(f"slot-{n}").name for n in range(4)] == ["ada-urgent", "bob-low", "ada-old", "ada-young"]


def test_a_job_that_came_back_keeps_its_age(bench: Bench) -> None:
    first = bench.running()
    bench.elapse(1)
    bench.submit()
    release(bench.db, first.lease, reason="drained", strike=False)
    assert bench.claim().lease.job_id == first.lease.job_id


def test_a_job_is_not_claimed_before_its_time(bench: Bench) -> None:
    taken = bench.running()
    for _ in range(2):
        release(bench.db, taken.lease, reason="x", strike=True, retry_delay_seconds=5)
        taken = bench.claim() or taken
    assert bench.claim() is None
    bench.elapse(5.1)
    assert bench.claim().lease.attempt == 3


def test_a_cancelled_job_is_not_claimed(bench: Bench) -> None:
    bench.ready()
    request_cancel(bench.db, tenant="ada", job_id=bench.submit())
    assert bench.claim() is None


@pytest.mark.parametrize("sandbox", ["none", "rlimits", "landlock"])
def test_an_upload_is_neither_inspected_nor_run_below_landlock(bench: Bench, sandbox: str) -> None:
    with bench.db.write() as conn:
        grant(conn, tenant="ada", stored=FILE)
        body = {"model": {"architecture": "mlp"}, "dataset": {"sha256": FILE.sha256}, "recipe": {"search": "iterative"}}
        submission = parse(JobSubmission, body)
        net, data = inputs_of(conn, tenant="ada", submission=submission, check_header=lambda *_: None)
        create_job(
            conn, tenant="ada", submission=submission, model=net, dataset=data,
            resolved_recipe={"search": "iterative"}, plan=None,
        )  # fmt: skip
    if sandbox == "landlock":
        assert bench.claim(kinds=("inspect",), sandbox=sandbox) is not None
        return
    assert bench.claim(kinds=("inspect",), sandbox=sandbox) is None
    inspection = bench.claim(kinds=("inspect",))
    summary = {"shape": [64], "classes": 10}
    finish_inspection(bench.db, inspection.lease, ready={"summary": summary}, canonical=Stored("c" * 64, 10))
    assert bench.claim(sandbox=sandbox) is None
    assert bench.claim() is not None


@pytest.mark.parametrize("sandbox", ["none", "rlimits"])
def test_zoo_models_and_builtin_data_run_at_any_level(bench: Bench, sandbox: str) -> None:
    bench.submit()
    inspection = bench.claim(kinds=("inspect",), sandbox=sandbox)
    summary = {"shape": [1, 8, 8], "classes": 10}
    finish_inspection(bench.db, inspection.lease, ready={"summary": summary}, canonical=Stored("c" * 64, 10))
    assert bench.claim(sandbox=sandbox) is not None


def test_the_last_two_checkpoints_come_with_the_claim_newest_first(bench: Bench) -> None:
    lease = bench.running().lease
    for number in (1, 2, 3):
        new = Checkpoint(number, f"{number:064x}", 10 * number, {"step": number}, {"threads": 1})
        commit(bench.db, lease, checkpoint=new)
    release(bench.db, lease, reason="drained", strike=False)
    found = bench.claim("slot-2").checkpoints
    assert [(c.number, c.sha256, c.bytes, c.where) for c in found] == [
        (3, f"{3:064x}", 30, {"step": 3}),
        (2, f"{2:064x}", 20, {"step": 2}),
    ]
    assert found[0].execution_key == {"threads": 1}


@pytest.mark.parametrize("newer", [{"recipe_version": 2}, {"checkpoint_version": 2}])
def test_a_slot_refuses_what_is_newer_than_it_knows(bench: Bench, newer: dict[str, int]) -> None:
    bench.ready()
    change(bench, bench.submit(), **newer)
    assert bench.claim() is None
    upgraded = SlotIdentity("slot-2", ("cpu",), "landlock", capabilities=Capabilities(**newer))
    assert claim(bench.db, slot=upgraded, ttl_seconds=60) is not None


def test_a_slot_that_was_told_to_take_no_uploads_takes_none_at_any_level(bench: Bench) -> None:
    bench.ready()
    job_id = bench.submit()
    with bench.db.write() as conn:
        grant(conn, tenant="ada", stored=FILE)
        conn.execute(update(dataset).values(uri=None, sha256=FILE.sha256))
    careful = SlotIdentity("slot-1", ("cpu",), "landlock", capabilities=Capabilities(uploads=False))
    assert claim(bench.db, slot=careful, ttl_seconds=60) is None
    trusting = SlotIdentity("slot-2", ("cpu",), "rlimits", capabilities=Capabilities(uploads=True))
    assert claim(bench.db, slot=trusting, ttl_seconds=60).lease.job_id == job_id


def test_a_slot_that_drains_or_is_blocked_takes_nothing(bench: Bench) -> None:
    bench.ready()
    bench.submit()
    bench.announce("cpu", "slot-1")
    for reason in ("disk_full", None):
        with bench.db.write() as conn:
            slots.block(conn, "slot-1", reason=reason)
        assert has_work(bench.db, slot=SlotIdentity("slot-1", ("cpu",), "landlock")) is (reason is None)
    with bench.db.write() as conn:
        assert slots.request_drain(conn, slot_id="slot-1") == ("slot-1",)
    assert bench.claim("slot-1") is None
    assert bench.claim("slot-2") is not None


def test_a_claim_tells_what_the_job_was_made_from(bench: Bench) -> None:
    bench.ready()
    origin = {"kind": "fork", "job": "job_x", "level": 2, "checkpoint": "a" * 64}
    change(bench, bench.submit(), origin=origin)
    taken = bench.claim()
    assert (taken.origin, taken.parent_id, taken.point) == (origin, None, None)


def test_a_claim_begins_an_attempt_that_is_kept(bench: Bench) -> None:
    lease = bench.running().lease
    assert bench.count(attempt, job_id=lease.job_id, number=1, slot_id="slot-1", slot_kind="cpu", ended_at=None) == 1


def change(bench: Bench, job_id: str, **values: Any) -> None:
    with bench.db.write() as conn:
        conn.execute(update(job).where(job.c.id == job_id).values(values))

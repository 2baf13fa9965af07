"""jobs.leases.claiming: who gets which job, and who gets none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.blobs import Stored
from jobs.creation import create_job, inputs_of
from jobs.grants import grant
from jobs.leases import Checkpoint, commit, finish_inspection, release, request_cancel
from jobs.submissions import JobSubmission, parse

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

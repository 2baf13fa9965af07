"""jobs.leases.inspecting and refusing: whoever waited for an inspection goes on, or fails with no attempt counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from jobs import tables
from jobs.blobs import Stored
from jobs.grants import grant
from jobs.inputs import find_dataset, find_model
from jobs.leases import Claim, finish_inspection, request_cancel

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

FILE = Stored("a" * 64, 1000)
CANONICAL = Stored("c" * 64, 500)
SUMMARY = {"shape": [1, 8, 8], "classes": 10}
REFUSED = {"code": "bad_dataset", "detail": "row 3 holds NaN"}
UPLOAD: dict[str, Any] = {"architecture": "lenet-300-100", "sha256": FILE.sha256}


def inspection(bench: Bench) -> Claim:
    taken = bench.claim(kinds=("inspect",))
    assert taken is not None
    return taken


def submit_upload(bench: Bench) -> str:
    with bench.db.write() as conn:
        grant(conn, tenant="ada", stored=FILE)
    return bench.submit(model=UPLOAD)


def accept_dataset(bench: Bench, **summary: Any) -> tuple[str, ...]:
    found = {"summary": SUMMARY | summary, "warnings": [{"code": "w", "detail": "d"}]}
    return finish_inspection(bench.db, inspection(bench).lease, ready=found, canonical=CANONICAL)


def state_of_model(bench: Bench, job_id: str) -> Any:
    with bench.db.read() as conn:
        return find_model(conn, tenant="ada", model_id=bench.row(job_id)["model_id"])


def test_a_dataset_becomes_ready_with_what_was_found(bench: Bench) -> None:
    job_id = bench.submit()
    accept_dataset(bench)
    with bench.db.read() as conn:
        data = find_dataset(conn, tenant="ada", dataset_id=bench.row(job_id)["dataset_id"])
    assert (data.state, data.summary, data.canonical_sha256) == ("ready", SUMMARY, CANONICAL.sha256)
    assert data.warnings == [{"code": "w", "detail": "d"}]
    assert bench.count(tables.job, kind="inspect", state="succeeded", owner=None) == 1


def test_a_model_that_waited_for_its_data_is_shaped_by_it(bench: Bench) -> None:
    job_id = bench.submit()
    accept_dataset(bench)
    net = state_of_model(bench, job_id)
    assert (net.state, net.arguments["input_size"], net.arguments["classes"]) == ("ready", [8, 8], 10)
    assert net.inventory["input_shape"] == [1, 8, 8]


def test_a_model_that_cannot_read_its_data_is_refused_and_its_job_fails(bench: Bench) -> None:
    job_id = bench.submit(model={"architecture": "conv-2"})
    accept_dataset(bench, shape=[64])
    assert state_of_model(bench, job_id).state == "refused"
    row = bench.row(job_id)
    assert (row["state"], row["error"]["code"], row["attempt"]) == ("failed", "model_refused", 0)
    assert "images" in row["error"]["detail"]


def test_an_upload_that_waits_for_its_data_is_inspected_after_it(bench: Bench) -> None:
    job_id = submit_upload(bench)
    first = inspection(bench)
    assert first.dataset is not None
    assert bench.claim(kinds=("inspect",)) is None
    found = {"summary": SUMMARY, "warnings": []}
    finish_inspection(bench.db, first.lease, ready=found, canonical=CANONICAL)
    assert bench.claim() is None
    second = inspection(bench)
    assert second.model is not None
    assert (second.model.arguments["input_size"], second.dataset) == ([8, 8], None)
    finish_inspection(bench.db, second.lease, ready={"inventory": {"made": "up"}, "warnings": []})
    net = state_of_model(bench, job_id)
    assert (net.state, net.inventory) == ("ready", {"made": "up"})
    assert bench.claim().lease.job_id == job_id


def test_the_kinds_of_slot_that_can_go_on_are_told(bench: Bench) -> None:
    bench.announce("cpu")
    bench.announce("inspect")
    bench.submit()
    assert accept_dataset(bench) == ("cpu",)


def test_jobs_that_waited_for_refused_data_fail_and_others_do_not(bench: Bench) -> None:
    waiting, cancelled, of_bob = bench.submit(), bench.submit(), bench.submit(tenant="bob")
    request_cancel(bench.db, tenant="ada", job_id=cancelled)
    finish_inspection(bench.db, inspection(bench).lease, refused=REFUSED)
    row = bench.row(waiting)
    assert (row["state"], row["error"]["code"], row["attempt"]) == ("failed", "dataset_refused", 0)
    assert "row 3 holds NaN" in row["error"]["detail"]
    assert bench.types(waiting)[-1] == "job.failed"
    assert [bench.state(job_id) for job_id in (cancelled, of_bob)] == ["cancelled", "queued"]


def test_refused_data_refuses_the_models_that_waited_for_it(bench: Bench) -> None:
    drawn, uploaded = bench.submit(), submit_upload(bench)
    finish_inspection(bench.db, inspection(bench).lease, refused=REFUSED)
    assert [state_of_model(bench, job_id).state for job_id in (drawn, uploaded)] == ["refused", "refused"]
    assert bench.claim(kinds=("inspect",)) is None
    with bench.db.read() as conn:
        states = conn.execute(select(tables.job.c.state)).scalars().all()
    assert set(states) == {"failed"}


def test_a_refused_model_tells_its_reason(bench: Bench) -> None:
    bench.ready()
    job_id = submit_upload(bench)
    finish_inspection(bench.db, inspection(bench).lease, refused={"code": "bad_model", "detail": "fc1.weight is NaN"})
    net = state_of_model(bench, job_id)
    assert (net.state, net.error) == ("refused", {"code": "bad_model", "detail": "fc1.weight is NaN"})
    assert bench.row(job_id)["error"]["code"] == "model_refused"


def test_data_that_was_refused_may_be_sent_again(bench: Bench) -> None:
    first = bench.row(bench.submit())["dataset_id"]
    finish_inspection(bench.db, inspection(bench).lease, refused=REFUSED)
    assert bench.row(bench.submit())["dataset_id"] != first


@pytest.mark.parametrize("both", [True, False])
def test_an_inspection_ends_in_one_way(bench: Bench, both: bool) -> None:
    bench.submit()
    lease = inspection(bench).lease
    with pytest.raises(ValueError, match="either ready or refused"):
        finish_inspection(bench.db, lease, ready={} if both else None, refused=REFUSED if both else None)


def test_a_summary_without_its_data_is_not_accepted(bench: Bench) -> None:
    job_id = bench.submit()
    lease = inspection(bench).lease
    with pytest.raises(ValueError, match="canonical"):
        finish_inspection(bench.db, lease, ready={"summary": SUMMARY})
    assert (bench.state(lease.job_id), bench.state(job_id)) == ("running", "queued")

"""jobs.records: the job as a client sees it, its tag, and lists that hold what was asked for."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jobs import records, slots
from jobs.errors import NotFoundError
from jobs.leases import (
    Failed,
    NewArtifact,
    NewLevel,
    Stopped,
    Succeeded,
    beat,
    commit,
    finish,
    request_cancel,
)
from jobs.pages import PageRequest
from jobs.records import Filters, JobView, Viewer
from ticketing.errors import RequestError

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

VIEWER = Viewer("ada", "http://winnow.test", 60)


def look(bench: Bench, job_id: str, viewer: Viewer = VIEWER) -> JobView:
    with bench.db.read() as conn:
        return records.find_job(conn, job_id, viewer=viewer)


def listed(bench: Bench, viewer: Viewer = VIEWER, **filters: Any) -> list[str]:
    with bench.db.read() as conn:
        page = records.list_jobs(conn, viewer=viewer, filters=Filters(**filters), page=PageRequest(order="created_at"))
    return [view.id for view in page.items]


def test_a_queued_job_says_where_it_stands(bench: Bench) -> None:
    bench.announce("cpu")
    bench.ready()
    first, second = bench.submit(), bench.submit()
    urgent = bench.submit(priority=1)
    assert [look(bench, i).object["queue"]["position"] for i in (urgent, first, second)] == [1, 2, 3]
    assert look(bench, first).object["queue"]["reason"] is None


def test_a_job_no_slot_can_run_says_so(bench: Bench) -> None:
    bench.ready()
    bench.announce("cpu")
    assert look(bench, bench.submit(device="gpu")).object["queue"]["reason"] == "no_worker_for_device"
    bench.elapse(61)
    assert look(bench, bench.submit()).object["queue"]["reason"] == "no_worker_for_device"


def test_a_job_that_waits_for_an_inspection_says_so(bench: Bench) -> None:
    bench.announce("cpu")
    job_id = bench.submit()
    assert look(bench, job_id).object["queue"]["reason"] == "waiting_for_model"
    bench.ready()
    assert look(bench, job_id).object["queue"]["reason"] is None


def test_a_job_that_runs_is_in_no_queue(bench: Bench) -> None:
    assert look(bench, bench.running().lease.job_id).object["queue"] is None


def test_a_tag_stays_while_nothing_but_time_goes_by(bench: Bench) -> None:
    bench.announce("cpu")
    job_id = bench.submit()
    before = look(bench, job_id)
    bench.elapse(5)
    after = look(bench, job_id)
    assert after.etag == before.etag
    assert after.object["durations"]["queued_s"] >= before.object["durations"]["queued_s"] + 5


def test_a_tag_changes_with_everything_that_is_shown(bench: Bench) -> None:
    bench.announce("cpu")
    bench.ready()
    ahead = bench.submit()
    job_id = bench.submit()
    tags = [look(bench, job_id).etag]

    def changed() -> None:
        tags.append(look(bench, job_id).etag)
        assert len(set(tags)) == len(tags)

    request_cancel(bench.db, tenant="ada", job_id=ahead)
    changed()  # one place further
    bench.elapse(61)
    changed()  # nobody there to run it
    lease = bench.claim().lease
    changed()
    beat(bench.db, lease, ttl_seconds=60, progress={"fraction": 0.25})
    changed()
    commit(bench.db, lease, phase="prune")
    changed()
    commit(bench.db, lease, warnings=[{"code": "w", "detail": "d"}])
    changed()
    request_cancel(bench.db, tenant="ada", job_id=job_id)
    changed()
    finish(bench.db, lease, outcome=Stopped())
    changed()


def test_progress_is_shown_as_it_was_told_last(bench: Bench) -> None:
    lease = bench.running().lease
    told = {"fraction": 0.5, "level": 2, "levels_total": 3, "epoch": 1, "epochs_total": 20, "step": 7}
    beat(bench.db, lease, ttl_seconds=60, progress=told | {"steps_total": 100, "seconds_remaining": 12.5})
    progress = look(bench, lease.job_id).object["progress"]
    assert {key: progress[key] for key in told} == told
    assert progress["eta"] == {"available": True, "seconds_remaining": 12.5, "scope": "job"}


def test_durations_add_up_over_attempts(bench: Bench) -> None:
    began = time.monotonic()
    bench.ready()
    job_id = bench.submit()
    bench.elapse(10)
    lease = bench.claim().lease
    bench.elapse(20)
    finish(bench.db, lease, outcome=Failed({"code": "x"}, retry=True))
    bench.elapse(30)
    finish(bench.db, bench.claim().lease, outcome=Failed({"code": "x"}))
    bench.elapse(40)
    durations = look(bench, job_id).object["durations"]
    passed = time.monotonic() - began  # real time counts too, and no more than that
    assert 39.99 <= durations["queued_s"] <= 40.01 + passed
    assert 19.99 <= durations["running_s"] <= 20.01 + passed
    assert look(bench, job_id).object["cost"]["device_s"] == durations["running_s"]


def test_a_finished_job_shows_what_came_out(bench: Bench) -> None:
    lease = bench.running(gates={"max_bytes": 10}).lease
    before = look(bench, lease.job_id).object
    assert (before["gate"]["outcome"], before["verdict"]) == ("pending", None)
    gate = {"outcome": "missed", "gates": []}
    best = {"level": 3, "sparsity": 0.9}
    outcome = Succeeded([], gate, best, {"used_flops": 1e9}, {"verdict": "winning"}, stop_reason="collapsed")
    finish(bench.db, lease, outcome=outcome)
    shown = look(bench, lease.job_id).object
    assert (shown["state"], shown["done"], shown["stop_reason"]) == ("succeeded", True, "collapsed")
    assert (shown["gate"], shown["best"], shown["cost"]["used_flops"]) == (gate, best, 1e9)
    assert shown["verdict"] == "winning"
    assert shown["finished_at"] >= shown["started_at"] >= shown["created_at"]


def test_another_tenants_job_does_not_exist(bench: Bench) -> None:
    job_id = bench.submit()
    with pytest.raises(NotFoundError):
        look(bench, job_id, replace(VIEWER, tenant="bob"))
    assert listed(bench, replace(VIEWER, tenant="bob")) == []


def test_an_inspection_is_no_job_to_a_client(bench: Bench) -> None:
    job_id = bench.submit()
    inspection = bench.claim(kinds=("inspect",)).lease.job_id
    assert listed(bench) == [job_id]
    with pytest.raises(NotFoundError):
        look(bench, inspection)


def test_lists_are_filtered_by_state_as_it_is_shown(bench: Bench) -> None:
    running = bench.running().lease.job_id
    cancelling = bench.running().lease.job_id
    request_cancel(bench.db, tenant="ada", job_id=cancelling)
    queued = bench.submit()
    assert listed(bench, states=["running"]) == [running]
    assert listed(bench, states=["cancelling"]) == [cancelling]
    assert listed(bench, states=["queued", "running"]) == [running, queued]
    assert listed(bench) == [running, cancelling, queued]


def test_lists_are_filtered_by_labels(bench: Bench) -> None:
    a = bench.submit(labels={"git.sha": "1", "team": "x"})
    bench.submit(labels={"git.sha": "2", "team": "x"})
    bench.submit()
    assert listed(bench, labels={"git.sha": "1"}) == [a]
    assert listed(bench, labels={"git.sha": "1", "team": "y"}) == []
    assert len(listed(bench, labels={"team": "x"})) == 2


@pytest.mark.parametrize("key", ["", 'a"b', "a'b", "$", "a b", "é", "a" * 64, "a\n"])
def test_a_label_key_that_no_job_can_have_is_refused(bench: Bench, key: str) -> None:
    with pytest.raises(RequestError) as refused:
        listed(bench, labels={key: "x"})
    assert refused.value.faults[0].pointer == "/label"


def test_lists_are_filtered_by_search_and_age(bench: Bench) -> None:
    old = bench.submit()
    bench.elapse(100)
    with bench.db.read() as conn:
        a_minute_ago = bench.db.now(conn) - 60
    young = bench.submit()
    assert listed(bench, created_after=a_minute_ago) == [young]
    assert listed(bench, search="iterative") == [old, young]
    assert listed(bench, search="genetic") == []


def test_a_state_there_is_none_of_is_refused_with_those_there_are(bench: Bench) -> None:
    with pytest.raises(RequestError) as refused:
        listed(bench, states=["stopped"])
    (fault,) = refused.value.faults
    assert fault.pointer == "/state"
    assert fault.allowed is not None
    assert "cancelling" in fault.allowed


def test_a_pulse_tells_what_changed_of_many_jobs_at_once(bench: Bench) -> None:
    bench.ready()
    first, second, of_bob = bench.submit(), bench.submit(), bench.submit(tenant="bob")
    with bench.db.read() as conn:
        before = records.pulse(conn, job_ids=[first, second, of_bob, "job_nobody"])
    request_cancel(bench.db, tenant="ada", job_id=first)
    with bench.db.read() as conn:
        after = records.pulse(conn, job_ids=[first, second, of_bob])
    assert before.keys() == after.keys() == {first, second, of_bob}
    assert [after[job_id].tenant for job_id in (first, of_bob)] == ["ada", "bob"]
    assert after[second] == before[second]
    assert after[first].last_seq == before[first].last_seq + 1
    assert (before[first].done, after[first].done) == (False, True)


def test_levels_are_listed_by_replicate_and_level(bench: Bench) -> None:
    lease = bench.running().lease
    levels = [NewLevel(r, n, 90, 100, 0.1, {"validation_accuracy": 0.5}) for r, n in ((1, 0), (0, 1), (0, 0))]
    commit(bench.db, lease, levels=levels)
    with bench.db.read() as conn:
        rows = records.list_levels(conn, tenant="ada", job_id=lease.job_id)
        assert records.list_levels(conn, tenant="bob", job_id=lease.job_id) == []
    assert [(row["replicate"], row["level"]) for row in rows] == [(0, 0), (0, 1), (1, 0)]
    assert (rows[0]["kept"], rows[0]["validation_accuracy"]) == (90, 0.5)


def test_artifacts_are_listed_by_name(bench: Bench) -> None:
    lease = bench.running().lease
    made = [
        NewArtifact("report.html", "b" * 64, 2, "text/html"),
        NewArtifact("levels/1.safetensors", "a" * 64, 1, level=1),
    ]
    finish(bench.db, lease, outcome=Succeeded(made, None, None, {}, {}))
    with bench.db.read() as conn:
        rows = records.list_artifacts(conn, tenant="ada", job_id=lease.job_id)
    assert [(row["name"], row["level"], row["bytes"]) for row in rows] == [
        ("levels/1.safetensors", 1, 1),
        ("report.html", None, 2),
    ]


def test_a_slot_that_lives_is_seen_by_its_beat(bench: Bench) -> None:
    bench.announce("cpu", "slot-1")
    lease = bench.running().lease
    bench.elapse(50)
    beat(bench.db, lease, ttl_seconds=60)
    bench.elapse(50)
    with bench.db.read() as conn:
        assert slots.live(conn, within_seconds=60) == {"cpu": 1}

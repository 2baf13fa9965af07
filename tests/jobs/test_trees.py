"""jobs.trees: a grid follows its children: it runs with the first, ends with the last, and stops with all of them."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from jobs import tables
from jobs.errors import InvalidTransitionError, NotFoundError
from jobs.keeping.deletion import delete_job
from jobs.leases import (
    Failed,
    Stopped,
    Succeeded,
    finish,
    finish_inspection,
    request_cancel,
    request_pause,
    request_resume,
)
from jobs.making.origins import rerun
from jobs.pages import PageRequest
from jobs.records import Filters, Viewer, find_job, list_jobs

DONE = Succeeded(artifacts=(), gate=None, best=None, cost={}, summary={"sparsity": 0.9})
BROKEN = Failed({"code": "diverged", "detail": "the loss is no longer finite"})
ANY = ("cpu",)


def view(bench: Any, job_id: str) -> dict[str, Any]:
    with bench.db.read() as conn:
        return dict(find_job(conn, job_id, viewer=Viewer(bench.tenant, "http://here", 60)).object)


def listed(bench: Any, **filters: Any) -> list[str]:
    with bench.db.read() as conn:
        viewer = Viewer(bench.tenant, "http://here", 60)
        page = list_jobs(conn, viewer=viewer, filters=Filters(**filters), page=PageRequest(order="created_at"))
    return [item.id for item in page.items]


def run_all(bench: Any, *outcomes: Any) -> None:
    for outcome in outcomes:
        finish(bench.db, bench.claim().lease, outcome=outcome)


def cancel(bench: Any, job_id: str, **more: Any) -> str:
    return request_cancel(bench.db, tenant=bench.tenant, job_id=job_id, **more)


def pause(bench: Any, job_id: str) -> str:
    return request_pause(bench.db, tenant=bench.tenant, job_id=job_id, pause_seconds=60)


def resume(bench: Any, job_id: str) -> str:
    return request_resume(bench.db, tenant=bench.tenant, job_id=job_id)


# -- running -----------------------------------------------------------------------------------------------------


def test_a_grid_runs_with_its_first_child_and_is_gathered_after_its_last(bench: Any) -> None:
    grid, children = bench.grid()
    assert view(bench, grid)["state"] == "queued"
    first = bench.claim("a")
    assert first.parent_id == grid
    assert first.point == {"/seed": 0}
    assert view(bench, grid)["state"] == "running"
    finish(bench.db, first.lease, outcome=DONE)
    assert view(bench, grid)["progress"]["fraction"] == 0.5
    finish(bench.db, bench.claim("b").lease, outcome=DONE)
    assert (view(bench, grid)["state"], view(bench, grid)["phase"]) == ("running", "gather")
    gathering = bench.claim("c")
    assert (gathering.kind, gathering.lease.job_id) == ("grid", grid)
    assert bench.claim("d") is None
    finish(bench.db, gathering.lease, outcome=DONE)
    assert view(bench, grid)["state"] == "succeeded"
    assert bench.types(grid) == ["job.queued", "job.started", "job.phase", "job.succeeded"]
    assert [bench.state(child) for child in children] == ["succeeded", "succeeded"]


@pytest.mark.parametrize("kind", ["cpu", "gpu", "inspect"])
def test_any_slot_may_gather(bench: Any, kind: str) -> None:
    grid, _ = bench.grid(device="cpu")
    run_all(bench, DONE, DONE)
    assert bench.claim(kinds=(kind,)).lease.job_id == grid


def test_a_grid_is_never_taken_while_a_child_is_open(bench: Any) -> None:
    grid, _ = bench.grid()
    run_all(bench, DONE)
    held = bench.claim("a")
    assert bench.claim("b", kinds=("cpu", "inspect")) is None
    finish(bench.db, held.lease, outcome=BROKEN)
    assert bench.claim("b").lease.job_id == grid


def test_a_child_that_fails_is_a_warning_of_its_grid(bench: Any) -> None:
    grid, children = bench.grid()
    run_all(bench, BROKEN, DONE)
    (warning,) = view(bench, grid)["warnings"]
    assert (warning["code"], warning["job"]) == ("child_failed", children[0])
    assert warning["detail"] == "seed 0 failed as diverged: the loss is no longer finite"
    assert "job.warning" in bench.types(grid)
    assert bench.claim().lease.job_id == grid


def test_a_grid_tells_of_some_failures_and_not_of_hundreds(bench: Any) -> None:
    grid, _ = bench.grid(grid={"/seed": list(range(25))})
    run_all(bench, *[BROKEN] * 25)
    assert len(view(bench, grid)["warnings"]) == 20
    assert view(bench, grid)["children"] == {"total": 25, "open": 0, "by_state": {"failed": 25}}


def test_an_attempt_that_is_lost_ends_no_child(bench: Any) -> None:
    grid, _ = bench.grid(grid={"/seed": [0]})
    bench.claim("a")
    bench.expire()
    bench.sweep()
    assert bench.row(grid)["children_open"] == 1
    bench.claim("b")
    bench.expire()
    bench.sweep()
    bench.elapse(60)
    bench.claim("c")
    bench.expire()
    bench.sweep()
    assert bench.row(grid)["children_open"] == 0
    assert view(bench, grid)["warnings"][0]["detail"].startswith("seed 0 failed as worker_lost")


def test_at_most_as_many_run_at_once_as_were_asked_for(bench: Any) -> None:
    bench.grid(grid={"/seed": [0, 1, 2]}, max_parallel=2)
    first = bench.claim("a")
    assert bench.claim("b") is not None
    assert bench.claim("c") is None
    finish(bench.db, first.lease, outcome=DONE)
    assert bench.claim("c") is not None


def test_every_child_ended_is_counted_once_whatever_ends_it(bench: Any) -> None:
    grid, children = bench.grid(grid={"/seed": [0, 1, 2, 3]})
    run_all(bench, DONE, BROKEN)
    cancel(bench, children[2])
    held = bench.claim()
    cancel(bench, children[3])
    cancel(bench, children[3])
    finish(bench.db, held.lease, outcome=Stopped())
    assert view(bench, grid)["children"] == {
        "total": 4,
        "open": 0,
        "by_state": {"cancelled": 2, "failed": 1, "succeeded": 1},
    }
    assert bench.claim().lease.job_id == grid


# -- cancelled, paused, resumed ----------------------------------------------------------------------------------


def test_cancelling_a_grid_that_waits_ends_all_of_it_at_once(bench: Any) -> None:
    grid, children = bench.grid()
    assert cancel(bench, grid) == "cancelled"
    assert {bench.state(job_id) for job_id in (grid, *children)} == {"cancelled"}
    assert bench.types(grid)[-1] == "job.cancelled"
    assert cancel(bench, grid) == "cancelled"
    assert bench.types(grid).count("job.cancelled") == 1


def test_a_grid_is_cancelling_until_its_last_child_has_stopped(bench: Any) -> None:
    grid, children = bench.grid(grid={"/seed": [0, 1, 2]})
    held = [bench.claim("a"), bench.claim("b")]
    assert cancel(bench, grid) == "cancelling"
    assert bench.state(children[2]) == "cancelled"
    assert [view(bench, child)["state"] for child in children[:2]] == ["cancelling", "cancelling"]
    finish(bench.db, held[0].lease, outcome=Stopped())
    assert view(bench, grid)["state"] == "cancelling"
    assert not view(bench, grid)["done"]
    assert cancel(bench, grid) == "cancelling"
    finish(bench.db, held[1].lease, outcome=Stopped())
    assert view(bench, grid)["state"] == "cancelled"
    assert bench.types(grid) == ["job.queued", "job.started", "job.cancelling", "job.cancelled"]
    assert bench.claim() is None


def test_keep_reaches_every_child(bench: Any) -> None:
    grid, children = bench.grid()
    cancel(bench, grid, keep="none")
    assert [bench.row(job_id)["keep"] for job_id in (grid, *children)] == ["none"] * 3


def test_cancelling_a_paused_grid_ends_it(bench: Any) -> None:
    grid, children = bench.grid()
    held = bench.claim()
    pause(bench, grid)
    assert cancel(bench, grid) == "cancelling"
    finish(bench.db, held.lease, outcome=Stopped())
    assert {bench.state(job_id) for job_id in (grid, *children)} == {"cancelled"}


def test_pausing_a_grid_pauses_what_waits_and_stops_what_runs(bench: Any) -> None:
    grid, children = bench.grid()
    held = bench.claim()
    pause(bench, grid)
    assert [view(bench, job_id)["state"] for job_id in (grid, *children)] == ["pausing", "pausing", "paused"]
    assert bench.claim("b") is None
    assert listed(bench, states=("pausing",)) == [grid]
    finish(bench.db, held.lease, outcome=Stopped())
    assert [view(bench, job_id)["state"] for job_id in (grid, *children)] == ["paused"] * 3
    assert listed(bench, states=("paused",)) == [grid]
    assert pause(bench, grid) == "paused"


def test_resuming_a_grid_lets_every_child_go_on(bench: Any) -> None:
    grid, children = bench.grid()
    held = bench.claim()
    pause(bench, grid)
    finish(bench.db, held.lease, outcome=Stopped())
    resume(bench, grid)
    assert view(bench, grid)["state"] == "running"
    run_all(bench, DONE, DONE)
    assert [bench.state(child) for child in children] == ["succeeded", "succeeded"]
    assert bench.claim().lease.job_id == grid


def test_a_child_that_finishes_while_the_grid_is_paused_is_counted(bench: Any) -> None:
    grid, _ = bench.grid(grid={"/seed": [0]})
    held = bench.claim()
    pause(bench, grid)
    finish(bench.db, held.lease, outcome=DONE)
    assert view(bench, grid)["state"] == "paused"
    assert bench.claim() is None
    resume(bench, grid)
    assert bench.claim().lease.job_id == grid


def test_a_grid_that_stays_paused_is_cancelled_with_its_children(bench: Any) -> None:
    grid, children = bench.grid()
    pause(bench, grid)
    with bench.db.write() as conn:
        conn.execute(tables.job.update().values(pause_expires_at=1.0))
    bench.sweep()
    assert {bench.state(job_id) for job_id in (grid, *children)} == {"cancelled"}


def test_a_grid_that_is_over_can_no_longer_be_stopped(bench: Any) -> None:
    grid, _ = bench.grid()
    run_all(bench, DONE, DONE, DONE)
    for verb in (cancel, pause, resume):
        with pytest.raises(InvalidTransitionError):
            verb(bench, grid)


def test_another_tenant_s_grid_is_not_there(bench: Any) -> None:
    grid, children = bench.grid(tenant="eve")
    for verb in (cancel, pause, resume):
        with pytest.raises(NotFoundError):
            verb(bench, grid)
    assert {bench.state(job_id) for job_id in (grid, *children)} == {"queued"}


# -- lists, deletion, again --------------------------------------------------------------------------------------


def test_a_list_shows_grids_and_not_their_points(bench: Any) -> None:
    alone = bench.submit()
    grid, children = bench.grid()
    assert listed(bench) == [alone, grid]
    assert listed(bench, parent=grid) == children
    assert listed(bench, parent=alone) == []


def test_a_grid_is_found_by_the_state_it_is_shown_in(bench: Any) -> None:
    grid, _ = bench.grid()
    assert (listed(bench, states=("queued",)), listed(bench, states=("running",))) == ([grid], [])
    held = bench.claim()
    assert (listed(bench, states=("queued",)), listed(bench, states=("running",))) == ([], [grid])
    cancel(bench, grid)
    assert (listed(bench, states=("cancelling",)), listed(bench, states=("running",))) == ([grid], [])
    finish(bench.db, held.lease, outcome=Stopped())
    assert listed(bench, states=("cancelled",)) == [grid]


def test_what_is_shown_changes_with_every_child(bench: Any) -> None:
    grid, _ = bench.grid()
    seen = []

    def look() -> None:
        with bench.db.read() as conn:
            seen.append(find_job(conn, grid, viewer=Viewer(bench.tenant, "http://here", 60)).etag)

    look()
    held = bench.claim()
    look()
    finish(bench.db, held.lease, outcome=DONE)
    look()
    held = bench.claim()
    look()
    pause(bench, grid)
    look()
    finish(bench.db, held.lease, outcome=Stopped())
    look()
    assert len(set(seen)) == 6


def test_deleting_a_grid_deletes_its_children(bench: Any) -> None:
    grid, _ = bench.grid()
    run_all(bench, DONE, DONE)
    with pytest.raises(InvalidTransitionError):
        delete_job(bench.db, tenant=bench.tenant, job_id=grid)
    run_all(bench, DONE)
    delete_job(bench.db, tenant=bench.tenant, job_id=grid)
    assert bench.count(tables.job, kind="search") == 0
    assert bench.count(tables.job, kind="grid") == 0


def test_a_child_is_kept_for_as_long_as_its_grid(bench: Any) -> None:
    grid, children = bench.grid()
    for outcome in (BROKEN, BROKEN, BROKEN):
        finish(bench.db, bench.claim().lease, outcome=outcome, retain=lambda kind, state: 60.0)
    assert [bench.row(child)["expires_at"] for child in children] == [None, None]
    assert bench.row(grid)["expires_at"] is not None


def test_a_grid_run_again_is_a_new_grid_of_the_same_points(bench: Any) -> None:
    grid, children = bench.grid(max_parallel=1)
    run_all(bench, DONE, BROKEN, DONE)
    with bench.db.write() as conn:
        again = rerun(conn, tenant=bench.tenant, job_id=grid, start="scratch")
    fresh = bench.children(again)
    origin = view(bench, again)["origin"]
    assert (origin["kind"], origin["job"]) == ("rerun", grid)
    assert [bench.row(child)["point"] for child in fresh] == [bench.row(child)["point"] for child in children]
    assert not set(fresh) & set(children)
    run_all(bench, DONE, DONE)
    assert bench.claim().lease.job_id == again


def test_a_refused_dataset_fails_the_points_and_leaves_the_grid_to_tell_of_it(bench: Any) -> None:
    grid, children = bench.grid(ready=False)
    inspection = bench.claim(kinds=("inspect",))
    finish_inspection(bench.db, inspection.lease, refused={"code": "bad_dataset", "detail": "a row is empty"})
    assert [bench.row(child)["error"]["code"] for child in children] == ["dataset_refused", "dataset_refused"]
    assert bench.claim().lease.job_id == grid


def test_workers_and_clients_at_once_lose_no_child_and_count_none_twice(bench: Any) -> None:
    grid, children = bench.grid(grid={"/seed": list(range(12))})

    def work(owner: str) -> None:
        while (taken := bench.claim(owner)) is not None and taken.kind == "search":
            finish(bench.db, taken.lease, outcome=DONE)

    def meddle(child: str) -> None:
        for verb in (pause, resume, cancel):
            with suppress(InvalidTransitionError):
                verb(bench, child)

    def sway() -> None:
        for _ in range(3):
            pause(bench, grid)
            resume(bench, grid)

    with ThreadPoolExecutor(6) as pool:
        began = [pool.submit(work, f"slot-{n}") for n in range(3)]
        began += [pool.submit(meddle, child) for child in children[-2:]] + [pool.submit(sway)]
        for each in began:
            each.result()
    if bench.row(grid)["children_open"]:
        work("last")
    done = [bench.state(child) in ("succeeded", "cancelled") for child in children]
    assert bench.row(grid)["children_open"] == done.count(False) == 0
    assert bench.types(grid).count("job.phase") == 1
    assert [event["seq"] for event in bench.log(grid)] == list(range(1, len(bench.log(grid)) + 1))

"""jobs.making.origins: what is run again goes on where the first one ended, or begins anew, and leaves it as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from jobs.errors import InvalidTransitionError, LevelNotKeptError, NotFoundError
from jobs.events import NewEvent
from jobs.keeping.deletion import delete_job
from jobs.leases import Checkpoint, Failed, NewLevel, Stopped, commit, finish, request_cancel, request_pause
from jobs.making.follow_ups import ForkSubmission
from jobs.making.origins import Start, fork_origin, forked, parent_of, rerun
from jobs.tables import blob, checkpoint, job, level
from ticketing.folder import StartSpec
from ticketing.plans.parsing import parse_recipe

if TYPE_CHECKING:
    from jobs.leases import Lease
    from tests.jobs.conftest import Bench

FACTS = ("job.mask_drawn", "job.level_completed", "job.checkpoint_saved")
START = StartSpec(job="job_0", level=2, sha256="9" * 64, recipe=parse_recipe({"search": "iterative", "levels": 3}))


def reach(bench: Bench, lease: Lease, number: int, *, saved: bool = True) -> None:
    """Have a worker complete a level, and commit the checkpoint that carries it unless told otherwise."""
    facts = {"replicate": 0, "level": number}
    events = [NewEvent("job.mask_drawn", facts), NewEvent("job.level_completed", facts)]
    kept = Checkpoint(number, f"{number:064x}", 10, {"level": number}, {"device": "cpu"}) if saved else None
    events += [NewEvent("job.checkpoint_saved", {"number": number})] if saved else []
    commit(bench.db, lease, events=events, checkpoint=kept, levels=[NewLevel(0, number, 10, 100, 0.9, {"a": number})])


def failed(bench: Bench, *, levels: int = 3, **body: Any) -> str:
    lease = bench.running(**body).lease
    for number in range(1, levels + 1):
        reach(bench, lease, number)
    finish(bench.db, lease, outcome=Failed({"code": "diverged"}))
    return lease.job_id


def again(bench: Bench, job_id: str, start: Start = "checkpoint", tenant: str = "ada") -> str:
    with bench.db.write() as conn:
        return rerun(conn, tenant=tenant, job_id=job_id, start=start)


def told(bench: Bench, job_id: str) -> list[tuple[str, Any]]:
    return [(event["type"], event["data"]) for event in bench.log(job_id) if event["type"] in FACTS]


def test_it_goes_on_from_the_last_checkpoint_with_every_fact_up_to_it(bench: Bench) -> None:
    first = failed(bench)
    made = again(bench, first)
    assert bench.row(made)["origin"] == {"kind": "rerun", "job": first, "checkpoint": f"{3:064x}"}
    assert told(bench, made) == told(bench, first)
    assert bench.count(level, job_id=made) == 3
    taken = bench.claim()
    assert (taken.lease.job_id, taken.lease.attempt) == (made, 1)
    assert [found.number for found in taken.checkpoints] == [3, 2]
    assert taken.checkpoints[0].execution_key == {"device": "cpu"}
    reach(bench, taken.lease, 4)
    assert [data["level"] for kind, data in told(bench, made) if kind == "job.mask_drawn"] == [1, 2, 3, 4]


def test_facts_that_no_checkpoint_carries_are_told_by_whoever_comes_to_them_again(bench: Bench) -> None:
    lease = bench.running().lease
    reach(bench, lease, 1)
    reach(bench, lease, 2, saved=False)
    finish(bench.db, lease, outcome=Failed({"code": "diverged"}))
    made = again(bench, lease.job_id)
    assert [data["level"] for kind, data in told(bench, made) if kind == "job.level_completed"] == [1]
    assert bench.count(level, job_id=made) == 1


def test_from_scratch_nothing_is_taken_over(bench: Bench) -> None:
    made = again(bench, failed(bench), "scratch")
    assert (bench.claim().checkpoints, told(bench, made), bench.count(level, job_id=made)) == ((), [], 0)


def test_where_no_checkpoint_is_left_it_begins_anew(bench: Bench) -> None:
    first = failed(bench)
    with bench.db.write() as conn:
        conn.execute(delete(checkpoint).where(checkpoint.c.job_id == first))
    made = again(bench, first)
    assert (bench.row(made)["origin"], told(bench, made)) == ({"kind": "rerun", "job": first}, [])


def test_it_asks_for_the_same_and_has_a_history_of_its_own(bench: Bench) -> None:
    first = failed(bench, name="mine", labels={"a": "b"}, priority=7, limits={"max_running_seconds": 60})
    made = again(bench, first)
    before, after = bench.row(first), bench.row(made)
    same = "name labels priority recipe resolved_recipe model_id dataset_id gates max_running_seconds"
    for column in same.split():
        assert after[column] == before[column]
    assert (after["state"], after["attempt"], after["strikes"], after["error"]) == ("queued", 0, 0, None)
    log = bench.log(made)
    assert [event["seq"] for event in log] == list(range(1, after["last_seq"] + 1))
    assert log[0]["type"] == "job.queued"


def test_the_first_job_stays_as_it_was_and_can_be_deleted(bench: Bench) -> None:
    first = failed(bench)
    before = bench.row(first)
    made = again(bench, first)
    assert bench.row(first) == before
    delete_job(bench.db, tenant="ada", job_id=first)
    assert len(bench.claim().checkpoints) == 2
    assert bench.row(made)["origin"]["job"] == first


def test_a_cancelled_job_that_kept_its_levels_can_go_on(bench: Bench) -> None:
    lease = bench.running().lease
    reach(bench, lease, 1)
    request_cancel(bench.db, tenant="ada", job_id=lease.job_id)
    finish(bench.db, lease, outcome=Stopped())
    again(bench, lease.job_id)
    assert [found.number for found in bench.claim().checkpoints] == [1]


def test_only_what_is_done_is_run_again(bench: Bench) -> None:
    lease = bench.running().lease
    request_pause(bench.db, tenant="ada", job_id=lease.job_id, pause_seconds=60)
    with pytest.raises(InvalidTransitionError) as refused:
        again(bench, lease.job_id)
    assert (refused.value.state, refused.value.allowed) == ("pausing", ("cancel", "resume"))
    assert bench.count(job, kind="search") == 1


def test_another_tenants_job_does_not_exist(bench: Bench) -> None:
    with pytest.raises(NotFoundError):
        again(bench, failed(bench), tenant="bob")


def make_it_a_fork(bench: Bench, job_id: str) -> None:
    with bench.db.write() as conn:
        conn.execute(update(job).where(job.c.id == job_id).values(origin=fork_origin(START)))
        conn.execute(blob.insert().values(sha256=START.sha256, tenant="ada", bytes=10, created_at=0.0))


@pytest.mark.parametrize("start", ["checkpoint", "scratch"])
def test_a_fork_that_is_run_again_starts_where_it_was_forked(bench: Bench, start: Start) -> None:
    first = failed(bench)
    make_it_a_fork(bench, first)
    origin = bench.row(again(bench, first, start))["origin"]
    assert (origin["kind"], origin["job"], origin["checkpoint"]) == ("rerun", first, START.sha256)
    assert StartSpec.model_validate(origin["start"]) == START


def test_a_fork_whose_start_was_collected_cannot_be_run_again(bench: Bench) -> None:
    first = failed(bench)
    make_it_a_fork(bench, first)
    with bench.db.write() as conn:
        conn.execute(delete(blob).where(blob.c.sha256 == START.sha256))
    with pytest.raises(LevelNotKeptError):
        again(bench, first)


def test_a_grid_is_run_again_with_all_its_children_in_their_order(bench: Bench) -> None:
    children = [failed(bench, name=f"point {n}") for n in range(2)]
    grid = bench.submit()
    request_cancel(bench.db, tenant="ada", job_id=grid)
    axes = {"axes": {"/seed": [0, 1]}, "max_parallel": 2, "points": 2}
    with bench.db.write() as conn:
        conn.execute(update(job).where(job.c.id == grid).values(kind="grid", grid=axes))
        for seed, child in enumerate(children):
            conn.execute(update(job).where(job.c.id == child).values(parent_id=grid, point={"/seed": seed}))
    made = again(bench, grid)
    row = bench.row(made)
    assert (row["kind"], row["grid"], row["children_open"]) == ("grid", axes, 2)
    taken = [bench.claim(), bench.claim()]
    assert [one.point for one in taken] == [{"/seed": 0}, {"/seed": 1}]
    assert [one.parent_id for one in taken] == [made, made]
    assert [one.checkpoints[0].number for one in taken] == [3, 3]


def test_a_fork_is_its_parent_with_what_was_changed(bench: Bench) -> None:
    first = failed(bench, name="mine", priority=7, labels={"a": "b"})
    wanted = ForkSubmission(from_level=2, recipe={"target": {"sparsity": 0.95}}, name="other")
    with bench.db.read() as conn:
        made = forked(parent_of(conn, tenant="ada", job_id=first), wanted)
    assert (made.name, made.priority, made.labels) == ("other", 7, {"a": "b"})
    assert made.recipe == {"search": "iterative", "seed": 0, "target": {"sparsity": 0.95}}
    assert made.model == bench.row(first)["model_id"]

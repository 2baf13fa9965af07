"""jobs.making.exporting: a follow-up takes over all that a job found, and differs from it in what it writes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from jobs.errors import InvalidTransitionError, LevelNotKeptError, NotFoundError
from jobs.events import NewEvent
from jobs.leases import Checkpoint, NewLevel, Succeeded, commit, finish
from jobs.making.exporting import export
from jobs.tables import checkpoint, job, level
from ticketing.errors import RequestError
from ticketing.plans.parsing import parse_recipe, resolve

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

ITERATIVE = resolve(
    {"search": "iterative", "levels": 2, "gain": "always"},
    architecture="mlp", uploaded=False, weights="initial", device_kind="cpu", seed=3,
).model_dump(mode="json")  # fmt: skip
CHANNELS = parse_recipe({"search": "iterative", "structure": "channel"}).model_dump(mode="json")
BIRD = parse_recipe({"search": "early_bird"}).model_dump(mode="json")


def succeeded(bench: Bench, recipe: dict[str, Any] = ITERATIVE, **columns: Any) -> str:
    """Have a worker finish a job: two levels, a checkpoint, a gate."""
    lease = bench.running(gates={"max_bytes": 9}, **columns).lease
    events = [NewEvent("job.level_completed", {"replicate": 0, "level": n}) for n in (1, 2)]
    events.append(NewEvent("job.checkpoint_saved", {"number": 1}))
    kept = Checkpoint(1, "1" * 64, 10, {"level": 2}, {"device": "cpu"})
    commit(bench.db, lease, events=events, checkpoint=kept, levels=[NewLevel(0, n, 10, 100, 0.9, {}) for n in (1, 2)])
    finish(bench.db, lease, outcome=Succeeded([], None, None, {}, {}), events=[])
    with bench.db.write() as conn:
        sent = {"search": recipe["search"]}
        conn.execute(update(job).where(job.c.id == lease.job_id).values(resolved_recipe=recipe, recipe=sent))
    return lease.job_id


def made(bench: Bench, job_id: str, target: Any, tenant: str = "ada") -> str:
    with bench.db.write() as conn:
        return export(conn, tenant=tenant, job_id=job_id, target=target)


@pytest.mark.parametrize(
    ("recipe", "target", "word"),
    [
        (ITERATIVE, "onnx", "onnx"),
        (ITERATIVE, "pt2", "pt2"),
        (ITERATIVE, "safetensors", "model"),
        (ITERATIVE, "sparse", "sparse"),
        (CHANNELS, "safetensors", "slim"),
        (CHANNELS, "hf", "hf"),
        (BIRD, "onnx", "onnx"),
        (BIRD, "safetensors", "slim"),
    ],
)
def test_it_is_the_same_job_but_for_what_it_writes(bench: Bench, recipe: Any, target: str, word: str) -> None:
    first = succeeded(bench, recipe)
    row = bench.row(made(bench, first, target))
    assert row["origin"] == {"kind": "export", "job": first, "checkpoint": "1" * 64}
    assert row["resolved_recipe"] == recipe | {"outputs": [word], "gain": "never"}
    assert row["recipe"] == {"search": recipe["search"], "outputs": [word], "gain": "never"}
    assert (row["state"], row["gates"], bench.count(level, job_id=row["id"])) == ("queued", {}, 2)
    assert bench.row(first)["resolved_recipe"] == recipe


def test_a_file_that_the_search_does_not_make_is_refused(bench: Bench) -> None:
    held = resolve(
        {"search": "iterative", "levels": 2, "pruned": "freeze"},
        architecture="mlp", uploaded=False, weights="initial", device_kind="cpu", seed=3,
    ).model_dump(mode="json")  # fmt: skip
    for recipe, target in ((BIRD, "sparse"), (held, "sparse")):
        with pytest.raises(RequestError) as refused:
            made(bench, succeeded(bench, recipe), target)
        assert refused.value.faults[0].pointer.startswith("/recipe/outputs")
    sweep = parse_recipe({"search": "capacity_sweep", "training": {"length": "5ep"}}).model_dump(mode="json")
    with pytest.raises(RequestError, match="expected a job whose search makes a ticket, got capacity_sweep"):
        made(bench, succeeded(bench, sweep), "onnx")


def test_a_grid_is_refused_for_its_children_have_the_tickets(bench: Bench) -> None:
    first = succeeded(bench)
    with bench.db.write() as conn:
        conn.execute(update(job).where(job.c.id == first).values(kind="grid"))
    with pytest.raises(RequestError, match="what a grid found is in its children, got a grid"):
        made(bench, first, "onnx")


def test_only_of_a_job_of_ones_own_that_succeeded_and_kept_its_checkpoint(bench: Bench) -> None:
    first = succeeded(bench)
    with pytest.raises(NotFoundError):
        made(bench, first, "onnx", tenant="bob")
    with pytest.raises(InvalidTransitionError, match="expected a state that allows export, got running"):
        made(bench, bench.running().lease.job_id, "onnx")
    with bench.db.write() as conn:
        conn.execute(delete(checkpoint))
    with pytest.raises(LevelNotKeptError, match=f"expected the last checkpoint of {first}, and it is gone"):
        made(bench, first, "onnx")

"""service.routes.grids: one request makes all jobs of a grid or none, and says which value is to blame."""

from typing import Any

import pytest
from sqlalchemy import update

from jobs.leases import Succeeded, finish
from jobs.tables import job

GRID = {
    "name": "two by two",
    "model": {"architecture": "lenet-300-100", "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative", "training": {"length": "10it", "evaluate_every": "5it"}},
    "grid": {"/seed": [0, 1], "/target/sparsity": [0.5, 0.8]},
}


def sweep(service: Any, **changes: Any) -> dict[str, Any]:
    answer = service.post("/v1/jobs:sweep", GRID | changes)
    assert answer.status_code == 202, answer.text
    grid: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{grid['id']}"
    return grid


def children(service: Any, grid: str, **query: Any) -> list[dict[str, Any]]:
    answer = service.http.get(f"/v1/jobs/{grid}/children", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def faults(service: Any, **changes: Any) -> list[tuple[str, str]]:
    answer = service.post("/v1/jobs:sweep", GRID | changes)
    assert answer.status_code == 422, answer.text
    return [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]


def test_a_grid_is_a_job_with_one_child_per_combination(service: Any) -> None:
    grid = sweep(service, max_parallel=2)
    assert (grid["kind"], grid["state"], grid["parent"], grid["point"]) == ("grid", "queued", None, None)
    assert grid["children"] == {"total": 4, "open": 4, "by_state": {"queued": 4}}
    assert grid["grid"] == {"axes": GRID["grid"], "max_parallel": 2}
    found = children(service, grid["id"])
    assert [child["point"] for child in found] == [
        {"/seed": seed, "/target/sparsity": sparsity} for seed in (0, 1) for sparsity in (0.5, 0.8)
    ]
    assert {(child["kind"], child["parent"]) for child in found} == {("search", grid["id"])}
    assert [child["resolved_recipe"]["target"]["sparsity"] for child in found] == [0.5, 0.8, 0.5, 0.8]
    assert found[0]["name"] == "two by two · seed 0, sparsity 0.5"


def test_a_seed_that_is_not_given_is_the_same_for_all_points(service: Any) -> None:
    grid = sweep(service, grid={"/target/sparsity": [0.5, 0.6, 0.7]})
    assert len({child["resolved_recipe"]["seed"] for child in children(service, grid["id"])}) == 1


def test_controls_are_an_axis_even_where_the_evidence_is_a_word(service: Any) -> None:
    recipe = GRID["recipe"] | {"evidence": "standard", "levels": 2}  # type: ignore[operator]
    grid = sweep(service, recipe=recipe, grid={"/evidence/controls": [[], ["reinit"]]})
    evidence = [child["resolved_recipe"]["evidence"] for child in children(service, grid["id"])]
    assert [(each["replicates"], each["controls"]) for each in evidence] == [(3, []), (3, ["reinit"])]


def test_points_are_listed_with_their_grid_and_not_among_the_jobs(service: Any) -> None:
    grid = sweep(service)
    listed = [item["id"] for item in service.http.get("/v1/jobs").json()["items"]]
    mine = [child["id"] for child in children(service, grid["id"])]
    assert grid["id"] in listed
    assert not set(mine) & set(listed)
    page = service.http.get(f"/v1/jobs?parent={grid['id']}&order=created_at").json()["items"]
    assert [item["id"] for item in page] == mine


def test_children_come_in_pages_and_by_state(service: Any) -> None:
    grid = sweep(service)
    first = service.http.get(f"/v1/jobs/{grid['id']}/children", params={"page_size": 3}).json()
    token = first["next_page_token"]
    rest = service.http.get(f"/v1/jobs/{grid['id']}/children", params={"page_size": 3, "page_token": token}).json()
    assert [len(first["items"]), len(rest["items"])] == [3, 1]
    assert rest["next_page_token"] is None
    assert children(service, grid["id"], state="running") == []
    assert service.http.get(f"/v1/jobs/{grid['id']}/children", params={"state": "x"}).status_code == 422


def test_a_job_of_its_own_has_no_children_and_no_job_has_a_404(service: Any) -> None:
    assert children(service, service.submit()["id"]) == []
    answer = service.http.get("/v1/jobs/job_01J9ZD6T2N8Q4R5S6T7V8W9X0Y/children")
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"grid": {"/seed": [0], "/target/sparsity": [0.5, 1.5, 2]}},
            [("/grid/~1target~1sparsity/1", "less_than"), ("/grid/~1target~1sparsity/2", "less_than")],
        ),
        ({"grid": {"/sead": [0, 1]}}, [("/grid/~1sead", "unknown_field")]),
        ({"recipe": {"search": "iterative", "levels": 3}}, [("/recipe", "invalid_value")]),
        ({"recipe": {"search": "x"}}, [("/recipe/search", "unknown_search")]),
        ({"grid": {"/search": ["iterative", "x"]}}, [("/grid/~1search/1", "unknown_search")]),
        ({"grid": {"seed": [0]}}, [("/grid/seed", "not_a_pointer")]),
        ({"grid": {"/seed": list(range(1001))}}, [("/grid", "too_many_points")]),
        ({"grid": {}}, [("/grid", "too_short")]),
        ({"grid": {"/seed": 3}}, [("/grid/~1seed", "list_type")]),
        ({"max_parallel": 0}, [("/max_parallel", "greater_than_equal")]),
        ({"model": {"architecture": "nope"}}, [("/model/architecture", "unknown_architecture")]),
    ],
)
def test_what_cannot_be_done_is_told_of_the_value_to_blame(
    service: Any, changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    before = len(service.http.get("/v1/jobs", params={"page_size": 200}).json()["items"])
    assert faults(service, **changes) == expected
    assert len(service.http.get("/v1/jobs", params={"page_size": 200}).json()["items"]) == before


def test_the_same_key_makes_one_grid(service: Any) -> None:
    answers = [service.post("/v1/jobs:sweep", GRID, Idempotency_Key="one-grid") for _ in range(2)]
    assert [answer.json()["id"] for answer in answers] == [answers[0].json()["id"]] * 2
    assert answers[1].headers["idempotency-replayed"] == "true"


def test_cancel_pause_and_resume_reach_the_whole_tree(service: Any) -> None:
    grid = sweep(service)
    for verb, state in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")):
        answer = service.http.post(f"/v1/jobs/{grid['id']}:{verb}")
        assert (answer.status_code, answer.json()["state"]) == (202, state), answer.text
        assert {child["state"] for child in children(service, grid["id"])} == {state}


def test_whoever_watches_a_grid_learns_that_its_children_end(service: Any) -> None:
    grid = sweep(service, grid={"/seed": [0, 1]}, recipe=GRID["recipe"] | {"levels": 2})  # type: ignore[operator]
    for child in children(service, grid["id"]):
        with service.database.write() as conn:  # whoever claims one puts all others off
            conn.execute(update(job).where(job.c.id == child["id"]).values(not_before=0))
        taken = service.claim(child["id"])
        finish(service.database, taken.lease, outcome=Succeeded((), None, None, {}, {"level": 2}))
    shown = service.http.get(f"/v1/jobs/{grid['id']}").json()
    assert (shown["state"], shown["phase"], shown["progress"]["fraction"]) == ("running", "gather", 1.0)
    types = [event["type"] for event in service.http.get(f"/v1/jobs/{grid['id']}/events").json()["items"]]
    assert types == ["job.queued", "job.started", "job.phase"]


def test_a_grid_has_a_page_with_its_points(service: Any) -> None:
    grid = sweep(service, name="a <b>grid</b>")
    page = service.http.get(f"/jobs/{grid['id']}").text
    assert "a &lt;b&gt;grid&lt;/b&gt;" in page
    assert "grid of 4 iterative jobs" in page
    for child in children(service, grid["id"]):
        assert f'href="/jobs/{child["id"]}"' in page
        assert f'href="/jobs/{grid["id"]}"' in service.http.get(f"/jobs/{child['id']}").text
    assert "grid of 4" in service.http.get("/").text

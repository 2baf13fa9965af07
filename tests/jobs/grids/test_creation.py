"""jobs.grids.creation: a grid and its points enter the table together, in order, each an ordinary job."""

from typing import Any

from jobs.grids.creation import child_name


def test_every_point_is_a_job_with_its_own_recipe(bench: Any) -> None:
    grid, children = bench.grid(grid={"/seed": [3, 4], "/rate": [0.1, 0.2]}, name="digits", priority=7)
    rows = [bench.row(child) for child in children]
    assert [row["point"] for row in rows] == [
        {"/seed": 3, "/rate": 0.1},
        {"/seed": 3, "/rate": 0.2},
        {"/seed": 4, "/rate": 0.1},
        {"/seed": 4, "/rate": 0.2},
    ]
    assert [(row["recipe"]["seed"], row["recipe"]["rate"]) for row in rows] == [(3, 0.1), (3, 0.2), (4, 0.1), (4, 0.2)]
    assert {(row["kind"], row["state"], row["priority"], row["parent_id"]) for row in rows} == {
        ("search", "queued", 7, grid)
    }
    assert len({(row["model_id"], row["dataset_id"]) for row in rows}) == 1
    assert rows[0]["name"] == "digits · seed 3, rate 0.1"
    assert [bench.types(child) for child in children] == [["job.queued"]] * 4


def test_the_grid_itself_waits_for_all_of_them(bench: Any) -> None:
    grid, _ = bench.grid(max_parallel=1, gates={"min_sparsity": 0.5})
    row = bench.row(grid)
    assert (row["kind"], row["state"], row["children_open"]) == ("grid", "queued", 2)
    assert row["grid"] == {"axes": {"/seed": [0, 1]}, "max_parallel": 1, "points": 2}
    assert row["gates"] == {"min_sparsity": 0.5}
    assert bench.claim(kinds=("inspect",)) is None


def test_limits_are_those_of_the_points_alone(bench: Any) -> None:
    grid, children = bench.grid(limits={"max_queued_seconds": 60, "max_running_seconds": 120})
    limits = [(row["max_queued_seconds"], row["max_running_seconds"]) for row in map(bench.row, [grid, *children])]
    assert limits == [(None, None), (60, 120), (60, 120)]


def test_its_points_are_taken_in_order(bench: Any) -> None:
    _, children = bench.grid(grid={"/seed": [0, 1, 2, 3]})
    assert [bench.claim(f"slot-{n}").lease.job_id for n in range(4)] == children


def test_a_name_never_outgrows_its_column() -> None:
    name = child_name("x" * 190, {"/target/sparsity": 0.9})
    assert len(name) == 200
    assert name.endswith("…")
    assert child_name(None, {"/seed": 0}) == "seed 0"

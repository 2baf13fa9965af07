"""ticketing.report.grid_document: nothing is lost, the best is chosen on validation, and equal means equal in JSON."""

from typing import Any

from ticketing.report.grid_document import best_of, grid_document, same, spread


def test_every_point_is_in_the_report_whatever_became_of_it(grid: dict[str, Any]) -> None:
    assert [row["state"] for row in grid["points"]] == ["succeeded", "succeeded", "succeeded", "failed"]
    assert grid["counts"] == {"total": 4, "succeeded": 3, "failed": 1, "cancelled": 0}


def test_the_best_is_the_sparsest_within_tolerance_and_among_equals_the_more_accurate(grid: dict[str, Any]) -> None:
    assert grid["best"]["point"] == {"/seed": 1, "/target/sparsity": 0.5}
    assert best_of([]) is None
    rows = [
        {"state": "succeeded", "job": j, "point": {}, "best": {"sparsity": 0.5, "value": v}} for j, v in ("a1", "b2")
    ]
    best = best_of(rows)
    assert best is not None
    assert best["job"] == "b"


def test_a_test_figure_never_decides_what_is_best(grid: dict[str, Any]) -> None:
    rows = [dict(row, accuracy=1.0 - row["accuracy"]) for row in grid["points"] if row["state"] == "succeeded"]
    best = best_of(rows)
    assert best is not None
    assert best["job"] == grid["best"]["job"]


def test_each_value_of_each_axis_is_summed_up_over_its_points(grid: dict[str, Any]) -> None:
    seeds, sparsities = grid["by_axis"]
    assert [(value["value"], value["points"], value["succeeded"]) for value in seeds["values"]] == [
        (0, 2, 2),
        (1, 2, 1),
    ]
    accuracy = sparsities["values"][0]["validation_accuracy"]
    assert (accuracy["n"], accuracy["min"], accuracy["max"]) == (2, 0.94, 0.95)
    assert sparsities["values"][1]["succeeded"] == 1


def test_levels_are_the_mean_over_the_searches_of_a_point(grid: dict[str, Any]) -> None:
    first = grid["points"][0]["levels"]
    assert [level["level"] for level in first] == [0, 1]
    assert first[0]["validation_accuracy"] == {"mean": 0.96, "min": 0.95, "max": 0.97, "n": 2}


def test_failures_come_first_and_equal_warnings_once(grid: dict[str, Any]) -> None:
    assert [(w["code"], w["points"]) for w in grid["warnings"]] == [("child_failed", 1), ("no_speedup", 3)]


def test_cost_is_of_all_points_those_that_failed_too(grid: dict[str, Any]) -> None:
    assert grid["cost"] == {"flops_executed": 3000.0, "device_seconds": 40.0}


def test_a_grid_of_failures_is_a_report_too(failed_points: list[dict[str, Any]]) -> None:
    report = grid_document(
        job={"id": "g", "name": None, "labels": {}},
        axes={"/seed": [0, 1]},
        points=failed_points,
        gate=None,
        model="mlp",
        dataset="digits",
        recipe={},
    )
    assert report["best"] is None
    assert report["by_axis"][0]["values"][0]["accuracy"] is None


def test_one_is_not_true_and_not_one_point_zero() -> None:
    assert not same(1, True)
    assert not same(1, 1.0)
    assert same([1, "a"], [1, "a"])


def test_no_values_have_no_mean() -> None:
    assert spread([None, None]) is None
    assert spread([0.5, None]) == {"mean": 0.5, "min": 0.5, "max": 0.5, "n": 1}

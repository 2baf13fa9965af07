"""winnow.grid_tables: what the terminal shows of a grid's report is what the report says, whatever its values hold."""

import io
from typing import Any

from rich.console import Console

from winnow.grid_tables import grid_parts
from winnow.tables import report_parts

POINT = {
    "point": {"/criterion": "large_final", "/seed": 0},
    "job": "job_1",
    "state": "succeeded",
    "sparsity": 0.9,
    "validation_accuracy": 0.97,
    "accuracy": 0.961,
    "verdict": "matching",
}
LOST = dict.fromkeys(POINT) | {"point": {"/seed": 1}, "job": "job_2", "state": "failed"}
REPORT = {
    "points": [POINT, LOST],
    "counts": {"succeeded": 1, "total": 2, "failed": 1, "cancelled": 0},
    "best": None,
    "pooled": [{"point": {}, "seeds": [0, 1], "jobs": ["job_1"], "refused": "two jobs or more have to succeed"}],
}


def shown(report: dict[str, Any]) -> str:
    out = io.StringIO()
    console = Console(file=out, width=160)
    for part in grid_parts(report):
        console.print(part, markup=False)
    return out.getvalue()


def test_every_point_has_its_line() -> None:
    lines = shown(REPORT).splitlines()
    (first,) = [line for line in lines if "job_1" in line]
    assert [cell.strip() for cell in first.strip("│").split("│")] == [
        "criterion large_final, seed 0",
        "succeeded",
        "90.00 %",
        "97.00 %",
        "96.10 %",
        "matching",
        "job_1",
    ]
    (second,) = [line for line in lines if "job_2" in line]
    assert [cell.strip() for cell in second.strip("│").split("│")] == ["seed 1", "failed", "", "", "", "", "job_2"]


def test_what_the_points_say_together_stands_below() -> None:
    said = shown(REPORT)
    assert "1 of 2 points succeeded, 1 failed." in said
    assert "all points: no certificate over seeds: two jobs or more have to succeed." in said


def test_a_grid_without_an_axis_of_seeds_has_no_such_line() -> None:
    assert "over seeds" not in shown({name: value for name, value in REPORT.items() if name != "pooled"})


def test_a_value_cannot_steer_the_terminal() -> None:
    said = shown(REPORT | {"points": [POINT | {"point": {"/scope": "[bold]\x1b[31m"}}]})
    assert "\x1b" not in said
    assert "[bold]" in said


def test_a_report_with_points_is_shown_as_a_grids() -> None:
    assert len(report_parts(REPORT)) == 3

"""ticketing.report.grid_table: one line per level of every search, and nothing a spreadsheet would run."""

import csv
import io
from typing import Any

import pytest

from ticketing.report.grid_table import levels_table


def rows(axes: list[str], points: list[dict[str, Any]]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(levels_table(axes, points))))


def test_every_level_of_every_search_is_a_line(grid_points: list[dict[str, Any]]) -> None:
    found = rows(["/seed", "/target/sparsity"], grid_points)
    assert len(found) == sum(len(point["levels"]) for point in grid_points)
    first = found[0]
    assert (first["/seed"], first["/target/sparsity"], first["replicate"], first["level"]) == ("0", "0.5", "0", "0")
    assert float(first["validation_accuracy"]) == 0.97


def test_what_was_handed_out_is_marked_once_per_point(grid_points: list[dict[str, Any]]) -> None:
    found = rows(["/seed", "/target/sparsity"], grid_points)
    handed_out = [row["job"] for row in found if row["delivered"] == "1"]
    assert handed_out == [point["job"] for point in grid_points if point["state"] == "succeeded"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_text_is_a_formula(grid_points: list[dict[str, Any]], text: str) -> None:
    point = dict(grid_points[0], point={"/rewind": text})
    assert rows(["/rewind"], [point])[0]["/rewind"] == f"'{text}"
    assert rows(["/rewind"], [dict(point, point={"/rewind": -1})])[0]["/rewind"] == "-1"


def test_values_with_commas_quotes_and_lines_stay_one_cell(grid_points: list[dict[str, Any]]) -> None:
    point = dict(grid_points[0], point={"/evidence/controls": ["reinit", 'a"b\nc']})
    assert rows(["/evidence/controls"], [point])[0]["/evidence/controls"] == '["reinit", "a\\"b\\nc"]'

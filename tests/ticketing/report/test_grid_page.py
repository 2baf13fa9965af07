"""ticketing.report.grid_page, grid_figure: one file that opens offline, says what the document says, runs nothing."""

import copy
import re
from html.parser import HTMLParser
from typing import Any

from ticketing.report.grid_figure import effects_figure, ladders_figure
from ticketing.report.grid_page import grid_page


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "srcset", "action")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(report: dict[str, Any]) -> _Tags:
    tags = _Tags()
    tags.feed(grid_page(report))
    return tags


def text(report: dict[str, Any]) -> str:
    return re.sub(r"\s+", " ", " ".join(read(report).texts))


def test_the_page_runs_no_script_and_needs_no_other_file(grid: dict[str, Any]) -> None:
    tags = read(grid)
    assert "script" not in tags.names
    assert tags.addresses == []
    assert "url(" not in grid_page(grid)
    assert tags.names.count("svg") == 2


def test_names_and_values_from_outside_are_text_and_never_markup(grid: dict[str, Any]) -> None:
    evil = "<img src=x onerror=alert(1)>"
    dirty = copy.deepcopy(grid)
    dirty["job"]["name"] = dirty["model"] = dirty["dataset"] = evil
    dirty["points"][3]["error"] = {"code": evil, "detail": evil}
    dirty["warnings"][0]["detail"] = evil
    dirty["axes"][0] = {"pointer": f"/{evil}", "values": [evil, evil + "x"]}
    for row in dirty["points"]:
        row["point"] = {f"/{evil}": evil, "/target/sparsity": row["point"]["/target/sparsity"]}
    dirty["by_axis"][0]["pointer"] = f"/{evil}"
    tags = read(dirty)
    assert "img" not in tags.names
    assert evil in tags.texts


def test_the_sentence_says_how_many_what_is_best_and_how_far_it_is_from_dense(grid: dict[str, Any]) -> None:
    said = text(grid)
    assert "3 of 4 points succeeded, 1 failed." in said
    assert "at seed 1, sparsity 0.5: 50.0 % sparsity, \N{MINUS SIGN}1.00 points against dense." in said
    assert "The best point is chosen on validation alone." in said


def test_every_point_has_its_row_and_a_failure_says_why(grid: dict[str, Any]) -> None:
    said = text(grid)
    for row in grid["points"]:
        assert row["job"] in said
    assert "diverged" in said


def test_gates_are_shown_as_met_or_missed_with_the_worst(grid: dict[str, Any]) -> None:
    line = {"name": "min_sparsity", "bound": "at least", "expected": 0.8, "came": 0.5, "outcome": "missed"}
    said = text(grid | {"gate": {"outcome": "missed", "gates": [line]}})
    assert "gates missed" in said
    assert "at least 0.8 0.5 missed" in said


def test_seeds_are_one_line_with_a_spread_and_other_axes_are_lines_of_their_own(grid: dict[str, Any]) -> None:
    drawn = ladders_figure(grid)
    assert drawn is not None
    assert drawn.count("<polyline") == 2
    assert "(n = 2, " in drawn
    assert drawn.count("chosen") == 1


def test_of_many_lines_the_best_alone_is_coloured(grid: dict[str, Any]) -> None:
    many = copy.deepcopy(grid)
    many["points"] = [
        {**copy.deepcopy(grid["points"][0]), "job": f"j{n}", "point": {"/rate": n / 10}} for n in range(1, 7)
    ]
    many["best"] = {**grid["best"], "point": {"/rate": 0.3}, "job": "j3"}
    drawn = ladders_figure(many)
    assert drawn is not None
    assert (drawn.count("s-quiet"), drawn.count('line s-ticket"')) == (5, 1)
    assert ">best<" in drawn


def test_each_axis_that_varies_is_a_panel_with_a_dot_per_point(grid: dict[str, Any]) -> None:
    drawn = effects_figure(grid)
    assert drawn is not None
    assert drawn.count("<circle") == 6  # three points that succeeded, on two axes
    alone = copy.deepcopy(grid)
    alone["axes"] = [{"pointer": "/seed", "values": [0]}]
    assert effects_figure(alone) is None


def test_a_grid_without_a_result_has_a_page_without_figures(grid: dict[str, Any]) -> None:
    bare = copy.deepcopy(grid) | {"best": None}
    bare["points"] = [dict(bare["points"][3], levels=[])]
    bare["counts"] = {"total": 1, "succeeded": 0, "failed": 1, "cancelled": 0}
    assert read(bare).names.count("svg") == 0
    assert "There is no ticket to compare." in text(bare)

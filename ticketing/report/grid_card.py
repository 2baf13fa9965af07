"""The report of a grid as a card in Markdown; draws nothing."""

from collections.abc import Mapping
from typing import Any

from ticketing.report import grid_words as said
from ticketing.report.markdown import plain, table
from ticketing.report.words import percent

_NONE = "\N{EN DASH}"


def grid_card(report: said.Report) -> str:
    """Write what was varied, what came of it at each value of each axis, and every point with its job."""
    axes = [[axis["pointer"], ", ".join(said.value_of(value) for value in axis["values"])] for axis in report["axes"]]
    return "\n".join(
        [
            f"# {plain(said.title(report))}",
            "",
            plain(said.sentence(report)),
            "",
            *table(["network", "dataset"], [[report["model"], report["dataset"]]]),
            "## What was varied",
            "",
            *table(["field of the recipe", "values"], axes),
            "## By axis",
            "",
            "Means over all points with that value, least to most in brackets.",
            "",
            *(line for axis in report["by_axis"] for line in _axis(axis)),
            *_pooled(report),
            "## Points",
            "",
            *table(
                ["point", "state", "sparsity", "validation", "test", "verdict", "job"],
                [_point(row) for row in report["points"]],
            ),
            said.CHOSEN_ON_VALIDATION,
            "",
            "Every point is a job of its own, with its own ticket and report; `levels.csv` has all their levels.",
            "",
            *_warnings(report),
        ]
    )


def _axis(axis: Mapping[str, Any]) -> list[str]:
    rows = [
        [
            said.value_of(value["value"]),
            f"{value['succeeded']} of {value['points']}",
            said.mean(value["sparsity"]),
            said.mean(value["validation_accuracy"]),
            said.mean(value["accuracy"]),
        ]
        for value in axis["values"]
    ]
    return table([said.axis_name(axis["pointer"]), "succeeded", "sparsity", "validation", "test"], rows)


def _pooled(report: said.Report) -> list[str]:
    entries = report.get("pooled", [])
    if not entries:
        return []
    sentences = [f"- {plain(said.pooled_sentence(entry))}" for entry in entries]
    rows = said.pooled_rows(report)
    found = [*table(said.POOLED_HEAD, rows), said.POOLED, ""] if rows else []
    return ["## Over seeds", "", *sentences, "", *found]


def _point(row: Mapping[str, Any]) -> list[str]:
    figures = [_NONE if row[key] is None else percent(row[key], 2) for key in ("sparsity", "validation_accuracy")]
    test = _NONE if row["accuracy"] is None else percent(row["accuracy"], 2)
    return [said.point_of(row["point"]), row["state"], *figures, test, row["verdict"] or _NONE, row["job"]]


def _warnings(report: said.Report) -> list[str]:
    lines = [f"- {plain(w['code'])} ({w['points']} points): {plain(w['detail'])}" for w in report["warnings"]]
    return ["## What to know", "", *lines, ""] if lines else []

"""winnow.tables: the figures of a report stand in the table with their n, and nothing is made up."""

import io
from typing import Any

from rich.console import Console

from winnow.tables import job_table, level_table, plan_parts, verdict_lines


def _shown(*parts: Any) -> str:
    out = io.StringIO()
    console = Console(file=out, width=160)
    for part in parts:
        console.print(part)
    return out.getvalue()


def _branch(mean: float, n: int = 3) -> dict[str, Any]:
    return {"values": [mean] * n, "mean": mean, "n": n}


ROW = {"level": 7, "kept": 56094, "total": 266200, "sparsity": 0.7892787, "exploratory": True, "verdict": "matching"}
REPORT = {
    "levels": [ROW | {"test": {"ticket": _branch(0.975), "dense": _branch(0.97), "reinit": _branch(0.95)}}],
    "certificate": {
        "level": 7,
        "verdict": "winning",
        "n": 3,
        "against": {"reinit": {"mean": 0.00737, "interval": [0.0041, 0.0107], "outcome": "beaten"}},
    },
}


def test_a_level_is_shown_with_its_accuracies_and_their_n() -> None:
    line = next(line for line in _shown(level_table(REPORT)).splitlines() if "56,094" in line)
    assert line.strip("│ ").replace("│", " ").split() == [
        "7", "78.93", "%", "56,094", "97.50", "%", "97.00", "%", "95.00", "%", "3", "matching", "*",
    ]  # fmt: skip


def test_a_control_that_did_not_run_has_no_column() -> None:
    assert "shuffle" not in _shown(level_table(REPORT))


def test_a_level_without_test_figures_is_shown_empty() -> None:
    assert "0.00 %" not in _shown(level_table({"levels": [ROW | {"test": None, "verdict": None}]}))


def test_the_verdict_comes_with_its_n_and_interval_in_points() -> None:
    assert verdict_lines(REPORT) == [
        "verdict: winning (level 7, n = 3)",
        "  ticket minus reinit: +0.74 points, 95 % interval [+0.41, +1.07], beaten",
    ]


def test_a_job_shows_its_error() -> None:
    job = {"id": "job_1", "state": "failed", "error": {"code": "diverged", "detail": "loss is inf"}}
    assert "diverged: loss is inf" in _shown(job_table(job))


def test_a_plan_that_waits_says_for_what() -> None:
    assert plan_parts({"plan": None, "pending": ["model"]}) == ["valid; the plan waits for model"]


def test_a_plan_shows_its_ladder_and_cost() -> None:
    plan = {
        "ladder": [{"level": 0, "kept": 10, "sparsity": 0.0}, {"level": 1, "kept": 8, "sparsity": 0.2}],
        "trainings": 4,
        "updates": 1200,
        "training_flops": 2.5e12,
        "estimated_seconds": {"cpu": 31.0, "gpu": None},
        "warnings": [{"code": "verdict_inconclusive", "detail": "n = 1"}],
    }
    shown = _shown(*plan_parts({"plan": plan}))
    assert "20.00 %" in shown
    assert "4 trainings, 1,200 updates, 2.5e+12 FLOPs, about 31 s on one core" in shown
    assert "warning verdict_inconclusive: n = 1" in shown

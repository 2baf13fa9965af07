"""winnow.tables: the figures of a report stand in the table with their n, and nothing is made up."""

import io
from typing import Any

import pytest
from rich.console import Console

from winnow.plan_tables import plan_parts
from winnow.tables import children_table, job_table, level_table, verdict_lines


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


def test_a_job_that_runs_shows_how_far_it_is() -> None:
    progress = {"fraction": 0.42, "level": 3, "levels_total": 7, "eta": {"available": True, "seconds_remaining": 61.3}}
    job = {"id": "job_1", "state": "running", "done": False, "progress": progress}
    assert "42 %, level 3 of 7, about 61 s left" in _shown(job_table(job))


def test_the_interval_shown_is_the_one_the_outcome_was_judged_by() -> None:
    same = {"mean": -0.0139, "interval": [-0.0139, -0.0139], "bootstrap": [-0.0278, -0.0019], "outcome": "inconclusive"}
    report = REPORT | {"certificate": {"verdict": "inconclusive", "level": 7, "n": 3, "against": {"dense": same}}}
    assert "interval [-2.78, -0.19], inconclusive" in verdict_lines(report)[1]


@pytest.mark.parametrize("job", [{"done": True, "progress": {"fraction": 1.0}}, {"done": False, "progress": None}])
def test_a_job_that_is_done_or_has_not_begun_shows_no_progress(job: dict[str, Any]) -> None:
    assert "progress" not in _shown(job_table(job | {"id": "job_1", "state": "any"}))


def test_a_job_that_is_done_shows_its_verdict() -> None:
    job = {"id": "job_1", "state": "succeeded", "verdict": "matching"}
    assert "matching" in _shown(job_table(job))
    assert "verdict" not in _shown(job_table(job | {"verdict": None}))


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
    assert "at most 4 trainings" in _shown(*plan_parts({"plan": plan | {"at_most": True}}))
    gradual = {"prunings": [{"step": step} for step in (7, 9, 11)]}
    shown = _shown(*plan_parts({"plan": plan | {"gradual": gradual}}))
    assert "pruned on the way (3 times, updates 7 to 11)" in shown
    structure = {"block": 4, "kept_of_block": [4, 3, 2]}
    assert "4, 3, 2 of every 4 inputs" in _shown(*plan_parts({"plan": plan | {"structure": structure}}))


@pytest.mark.parametrize("levels", ["channels", "watched"])
def test_a_plan_that_removes_channels_shows_their_share(levels: str) -> None:
    rows = [{"level": 1, "channel_sparsity": 0.3, "kept": None}, {"level": 2, "channel_sparsity": 0.51, "kept": 1234}]
    rows += [{"level": 3, "channel_sparsity": None, "kept": None}]
    cost = {"trainings": 4, "updates": 1200, "training_flops": 2.5e12}
    plan = cost | ({"watched": rows} if levels == "watched" else {"channels": {"levels": rows}, "ladder": []})
    shown = _shown(*plan_parts({"plan": plan}))
    assert "30.00 %" in shown
    assert "1,234" in shown
    assert "None" not in shown


def test_a_fork_shows_what_it_was_made_from() -> None:
    job = {"id": "job_2", "state": "queued", "origin": {"kind": "fork", "job": "job_1", "level": 3}}
    assert "fork of job_1, level 3" in _shown(job_table(job))


def test_a_paused_job_shows_until_when() -> None:
    assert "2026-01-02" in _shown(job_table({"id": "j", "state": "paused", "pause_expires_at": "2026-01-02T00:00:00Z"}))


def test_a_grid_shows_how_many_points_are_where() -> None:
    children = {"total": 6, "open": 4, "by_state": {"queued": 3, "running": 1, "succeeded": 2, "failed": 0}}
    assert "6 (3 queued, 1 running, 2 succeeded)" in _shown(
        job_table({"id": "g", "state": "running"} | {"children": children})
    )


def test_the_points_of_a_grid_stand_under_their_axes() -> None:
    best = {"level": 3, "sparsity": 0.8}
    rows = [
        {"id": "job_1", "state": "succeeded", "point": {"/seed": 0, "/evidence/controls": ["reinit"]}, "best": best},
        {"id": "job_2", "state": "queued", "point": {"/seed": 1, "/evidence/controls": []}},
    ]
    lines = [line.split() for line in _shown(children_table(rows)).replace("│", " ").replace("┃", " ").splitlines()]
    assert ["id", "/seed", "/evidence/controls", "state", "best", "gate"] in lines
    assert ["job_1", "0", '["reinit"]', "succeeded", "level", "3,", "sparsity", "0.8000"] in lines
    assert ["job_2", "1", "[]", "queued"] in lines

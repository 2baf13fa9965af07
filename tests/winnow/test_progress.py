"""winnow.progress: bars at a terminal, one line a change elsewhere."""

import io
from typing import Any

from rich.console import Console

from winnow.progress import MOST_BARS, JobProgress


def _job(level: int, epoch: float, **fields: Any) -> dict[str, Any]:
    progress = {"fraction": 0.5, "level": level, "levels_total": 30, "epoch": epoch, "epochs_total": 4}
    progress |= {"replicate": 0, "branch": "ticket", "eta": {"available": False}}
    job = {"id": "job_1", "state": "running", "phase": "train_level", "reason": None, "progress": progress}
    return job | fields


def _shown(*jobs: dict[str, Any], terminal: bool) -> str:
    out = io.StringIO()
    with JobProgress(Console(file=out, force_terminal=terminal, width=120, height=50, no_color=True)) as progress:
        for job in jobs:
            progress(job)
    return out.getvalue()


def test_without_a_terminal_each_level_is_one_line() -> None:
    pruning = _job(1, 4, phase="prune")
    assert _shown(_job(1, 1), _job(1, 2), pruning, _job(2, 1), terminal=False).splitlines() == [
        "job_1 running replicate 0, level 1 of 30, ticket",
        "job_1 running replicate 0, level 2 of 30, ticket",
    ]


def test_at_a_terminal_every_level_has_its_bar() -> None:
    shown = _shown(_job(1, 2), _job(2, 1), terminal=True)
    assert "level 1 of 30" in shown
    assert "level 2 of 30" in shown
    assert "epoch 1 of 4" in shown
    assert "train level" in shown


def test_only_the_newest_bars_stay() -> None:
    last = _shown(*(_job(level, 1) for level in range(1, 30)), terminal=True).rpartition("running")[2]
    assert last.count(", level ") == MOST_BARS
    assert "level 29 of 30" in last


def test_the_reason_a_job_waits_again_is_said() -> None:
    job = _job(1, 1, state="queued", reason="worker_lost")
    assert _shown(job, terminal=False) == "job_1 queued (worker_lost)\n"


def test_an_eta_is_shown_where_there_is_one() -> None:
    job = _job(1, 1)
    job["progress"]["eta"] = {"available": True, "seconds_remaining": 61.4, "scope": "job"}
    assert "about 61 s left" in _shown(job, terminal=True)


def test_a_job_before_its_first_progress_is_shown_by_its_state() -> None:
    job = _job(0, 0)
    job["progress"] = {"fraction": 0.0, "level": 0, "levels_total": 30, "branch": None, "eta": {"available": False}}
    assert _shown(job, terminal=False) == "job_1 running\n"


def test_a_grid_shows_how_many_of_its_points_are_done() -> None:
    job = _job(0, 0, children={"total": 6, "open": 4, "by_state": {"succeeded": 2, "queued": 4}})
    job["progress"] = {"fraction": 0.33}
    assert _shown(job, terminal=False) == "job_1 running, 2 of 6 points done\n"
    assert "2 of 6 points done" in _shown(job, terminal=True)

"""jobs.grids.shown: a grid runs from its first child's start until it was gathered, and stops as slowly as they do."""

from typing import Any

import pytest

from jobs.grids.shown import grid_object, state_of

ROW: dict[str, Any] = {
    "state": "queued",
    "cancel_requested": None,
    "pause_requested": None,
    "started_at": None,
    "finished_at": None,
    "created_at": 100.0,
    "state_since": 100.0,
    "paused_seconds": 0.0,
    "children_open": 2,
    "grid": {"axes": {"/seed": [0, 1]}, "max_parallel": None, "points": 2},
}
SHOWN = {"state": "queued", "done": False, "queue": {"position": 3, "reason": "why"}, "cost": {"device_s": 0.0}}


def counted(**states: int) -> dict[str, dict[str, float]]:
    return {state: {"jobs": count, "seconds": 10.0 * count} for state, count in states.items()}


@pytest.mark.parametrize(
    ("row", "children", "state"),
    [
        ({}, {"queued": 2}, "queued"),
        ({"started_at": 110.0}, {"queued": 1, "running": 1}, "running"),
        ({"started_at": 110.0, "children_open": 0}, {"succeeded": 2}, "running"),
        ({"state": "running", "started_at": 110.0}, {"succeeded": 2}, "running"),
        ({"cancel_requested": 120.0}, {"running": 2}, "cancelling"),
        ({"state": "running", "cancel_requested": 120.0}, {"succeeded": 2}, "cancelling"),
        ({"state": "paused", "pause_requested": 120.0}, {"paused": 1, "running": 1}, "pausing"),
        ({"state": "paused", "pause_requested": 120.0}, {"paused": 2}, "paused"),
        ({"state": "running", "pause_requested": 120.0}, {"succeeded": 2}, "pausing"),
        ({"state": "succeeded", "cancel_requested": 120.0}, {"succeeded": 2}, "succeeded"),
    ],
)
def test_the_state_is_that_of_the_whole_tree(row: dict[str, Any], children: dict[str, int], state: str) -> None:
    assert state_of(ROW | row, counted(**children)) == state  # type: ignore[arg-type]


def test_its_time_runs_from_its_first_child_and_its_cost_is_theirs() -> None:
    row: Any = ROW | {"started_at": 110.0, "finished_at": 150.0, "state": "succeeded", "paused_seconds": 5.0}
    shown = grid_object(SHOWN, row, counted(succeeded=2), moment=999.0)
    assert shown["durations"] == {"queued_s": 10.0, "running_s": 35.0, "paused_s": 5.0}
    assert shown["cost"]["device_s"] == 20.0
    assert shown["done"] is True


def test_a_grid_that_waits_says_why_and_has_no_place_of_its_own() -> None:
    row: Any = ROW
    assert grid_object(SHOWN, row, counted(queued=2), moment=101.0)["queue"] == {"position": None, "reason": "why"}
    started: Any = ROW | {"started_at": 110.0}
    assert grid_object(SHOWN, started, counted(running=2), moment=111.0)["queue"] is None


def test_its_children_are_counted_by_state() -> None:
    row: Any = ROW | {"children_open": 1}
    children = grid_object(SHOWN, row, counted(running=1, failed=1), moment=111.0)["children"]
    assert children == {"total": 2, "open": 1, "by_state": {"failed": 1, "running": 1}}

"""jobs.grids.results: the gates of a grid are met when every point meets them."""

from typing import Any

from jobs import gates
from jobs.grids.results import tree_gate

GATES = {"max_accuracy_drop": 0.01, "min_sparsity": 0.8}


def point(state: str = "succeeded", **summary: float) -> dict[str, Any]:
    return {"state": state, "gate": gates.evaluate(GATES, summary) if state == "succeeded" else None}


def test_without_gates_there_is_nothing_to_meet() -> None:
    assert tree_gate({}, [point()]) is None


def test_a_grid_passes_when_every_point_does_and_shows_the_worst() -> None:
    found = tree_gate(GATES, [point(accuracy_drop=0.001, sparsity=0.9), point(accuracy_drop=0.009, sparsity=0.8)])
    assert found == {
        "outcome": "passed",
        "gates": [
            {"name": "max_accuracy_drop", "bound": "at most", "expected": 0.01, "came": 0.009, "outcome": "passed"},
            {"name": "min_sparsity", "bound": "at least", "expected": 0.8, "came": 0.8, "outcome": "passed"},
        ],
    }


def test_one_point_that_misses_is_enough() -> None:
    found = tree_gate(GATES, [point(accuracy_drop=0.0, sparsity=0.9), point(accuracy_drop=0.0, sparsity=0.7)])
    assert found is not None
    assert found["outcome"] == "missed"
    assert [(line["outcome"], line["came"]) for line in found["gates"]] == [("passed", 0.0), ("missed", 0.7)]


def test_a_point_without_a_result_meets_no_gate() -> None:
    for state in ("failed", "cancelled"):
        found = tree_gate(GATES, [point(accuracy_drop=0.0, sparsity=0.9), point(state)])
        assert found is not None
        assert [line["outcome"] for line in found["gates"]] == ["missed", "missed"]
        assert [line["came"] for line in found["gates"]] == [0.0, 0.9]

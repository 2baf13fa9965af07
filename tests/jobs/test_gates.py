"""jobs.gates: each gate that was asked for is met or missed, and a figure nobody has misses it."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.gates import GATES, evaluate, pending
from jobs.making.submissions import Gates

SUMMARY = {"accuracy_drop": 0.004, "sparsity": 0.9, "bytes": 1000, "latency_ms": 2.5}


@pytest.mark.parametrize(
    ("gates", "outcome"),
    [
        ({"max_accuracy_drop": 0.004}, "passed"),
        ({"max_accuracy_drop": 0.0039}, "missed"),
        ({"min_sparsity": 0.9}, "passed"),
        ({"min_sparsity": 0.91}, "missed"),
        ({"max_bytes": 1000}, "passed"),
        ({"max_bytes": 999}, "missed"),
        ({"min_sparsity": 0.5, "max_bytes": 999}, "missed"),
        ({"max_latency_ms": 2.5}, "passed"),
        ({"max_latency_ms": 2.4}, "missed"),
    ],
)
def test_a_bound_is_met_up_to_and_including_itself(gates: dict[str, float], outcome: str) -> None:
    found = evaluate(gates, SUMMARY)
    assert found is not None
    assert found["outcome"] == outcome


def test_a_line_says_what_was_expected_and_what_came() -> None:
    assert evaluate({"max_bytes": 999}, SUMMARY) == {
        "outcome": "missed",
        "gates": [{"name": "max_bytes", "bound": "at most", "expected": 999, "came": 1000, "outcome": "missed"}],
    }


@pytest.mark.parametrize("came", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("gate", GATES)
def test_a_figure_that_is_absent_or_not_finite_misses_its_gate(gate: str, came: Any) -> None:
    found = evaluate({gate: 0.5}, dict.fromkeys(SUMMARY, came))
    assert found is not None
    assert (found["outcome"], found["gates"][0]["came"]) == ("missed", None)


@given(
    drop=st.floats(-1, 1),
    sparsity=st.floats(0, 0.99),
    size=st.integers(0, 2000),
    bounds=st.fixed_dictionaries(
        {},
        optional={
            "max_accuracy_drop": st.floats(0, 1),
            "min_sparsity": st.floats(0, 0.99),
            "max_bytes": st.integers(1, 2000),
        },
    ),
)
def test_it_passes_if_and_only_if_every_gate_does(
    drop: float, sparsity: float, size: int, bounds: dict[str, float]
) -> None:
    found = evaluate(bounds, {"accuracy_drop": drop, "sparsity": sparsity, "bytes": size})
    met = (
        drop <= bounds.get("max_accuracy_drop", math.inf)
        and sparsity >= bounds.get("min_sparsity", -math.inf)
        and size <= bounds.get("max_bytes", math.inf)
    )
    assert found == pending(bounds) is None or (found["outcome"] == "passed") == met


@pytest.mark.parametrize("gates", [{}, {"max_bytes": None}])
def test_no_gate_is_no_outcome(gates: dict[str, None]) -> None:
    assert evaluate(gates, SUMMARY) is None
    assert pending(gates) is None


def test_a_job_that_has_not_finished_shows_its_gates_as_pending() -> None:
    found = pending({"max_bytes": 10})
    assert found is not None
    assert (found["outcome"], [line["outcome"] for line in found["gates"]]) == ("pending", ["pending"])


def test_every_gate_that_may_be_asked_for_can_be_evaluated() -> None:
    assert set(Gates.model_fields) == set(GATES)

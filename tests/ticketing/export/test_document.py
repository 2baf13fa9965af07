"""ticketing.export.document: the report says what the run did, and says it as plain JSON."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ticketing.folder import OUT, read_spec
from ticketing.journal.invariants import PROMISES
from ticketing.observer import RecordingObserver
from ticketing.runs.run import run


@pytest.fixture
def report(finished: Path) -> dict[str, Any]:
    written: dict[str, Any] = json.loads((finished / "out/report.json").read_bytes())
    return written


def test_every_part_is_there(report: dict[str, Any]) -> None:
    assert list(report) == [
        "report_version",
        "job",
        "search",
        "levels",
        "certificate",
        "regime",
        "ntk",
        "invariants",
        "cost",
        "sizes",
        "gain",
        "provenance",
        "recipe",
        "dataset",
        "model",
        "warnings",
        "curves",
    ]


def test_the_differences_are_those_of_the_accuracies(report: dict[str, Any]) -> None:
    test, against = report["levels"][3]["test"], report["certificate"]["against"]
    for other in ("dense", "reinit", "shuffle"):
        expected = np.subtract(test["ticket"]["values"], test[other]["values"])
        assert against[other]["differences"] == pytest.approx(expected.tolist(), abs=1e-12)


def test_the_verdict_of_the_delivered_row_is_the_certificates(report: dict[str, Any]) -> None:
    assert report["levels"][3]["verdict"] == report["certificate"]["verdict"]
    assert report["certificate"]["level"] == report["search"]["delivered_level"] == 3


def test_the_regime_handed_out_is_that_of_the_delivered_level(make_folder: Any, few_large_digits: Any) -> None:
    training = {"length": "80it", "evaluate_every": "40it", "optimizer": {"name": "adam", "learning_rate": 0.01}}
    folder = make_folder(
        training=training, levels=1, rate={"default": 0.997}, evidence="none", dataset=few_large_digits
    )
    run(folder, read_spec(folder), observer=RecordingObserver(), clock=time.monotonic)
    found = json.loads((folder / OUT / "report.json").read_bytes())["regime"]
    assert [row["regime"] for row in found["levels"]] == ["interpolating", "critical"]
    assert found["delivered"] == "critical"


def test_every_promise_was_checked(report: dict[str, Any]) -> None:
    assert {item["code"] for item in report["invariants"]} == set(PROMISES)
    assert all(item["held"] for item in report["invariants"])
    # Removed entries are zero in this run: none holds a weight. And they are single ones: there are no blocks.
    unchecked = [item["code"] for item in report["invariants"] if not item["checked"]]
    assert unchecked == ["pruned_entries_held", "structure_kept"]


def test_the_cost_is_that_of_the_trainings_there_were(report: dict[str, Any]) -> None:
    cost, model = report["cost"], report["model"]
    assert (cost["search_trainings"], cost["search_updates"]) == (3 * 4, 3 * 4 * 60)
    assert (cost["certificate_trainings"], cost["certificate_updates"]) == (3 * 10, 3 * 10 * 60)
    # Levels 0 to 2 ran whole; of level 3 the eighth that is left of the first layer, and all of the other.
    whole, lean = model["multiply_adds"], 64 * 32 // 8 + 32 * 10
    assert cost["flops_executed"] == 6 * (3 * whole + lean) * cost["search_samples"] // 4
    assert cost["flops_nonzero"] < cost["flops_executed"]


def test_the_plans_warnings_are_repeated(report: dict[str, Any]) -> None:
    assert "no_speedup_from_unstructured" in [warning["code"] for warning in report["warnings"]]


def test_the_splits_are_those_that_were_used(report: dict[str, Any]) -> None:
    dataset = report["dataset"]
    assert (dataset["train"], dataset["validation"], dataset["test"]) == (1437 - 119, 119, 360)
    assert report["certificate"]["resolution"] == 1 / 360

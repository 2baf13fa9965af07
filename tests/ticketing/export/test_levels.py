"""ticketing.export.levels: a row says what its files hold; curves are of what was judged."""

import json
from pathlib import Path
from typing import Any

import pytest

from ticketing.export.levels import regime_of
from ticketing.export.weights import read_mask
from ticketing.journal.findings import Findings
from ticketing.journal.where import Where
from ticketing.searches.iterative import search
from ticketing.seeds import order_of_level
from ticketing.subject import placed
from ticketing.training.rewinding import restart_of


@pytest.fixture
def report(finished: Path) -> dict[str, Any]:
    written: dict[str, Any] = json.loads((finished / "out/report.json").read_bytes())
    return written


def test_the_rows_count_what_the_masks_keep(report: dict[str, Any], finished: Path) -> None:
    for row in report["levels"]:
        mask = read_mask(finished / f"out/levels/{row['level']:02d}/mask.safetensors")
        assert (row["kept"], row["total"]) == (mask.kept_count, mask.total)
        assert row["sparsity"] == pytest.approx(1 - row["kept"] / row["total"])
        assert [layer["kept"] for layer in row["layers"]] == list(mask.counts().values())


def test_entries_at_pixels_that_never_change_are_kept_but_not_effective(report: dict[str, Any]) -> None:
    for row in report["levels"]:
        first, *later = row["layers"]
        assert first["effective"] < first["kept"]  # the corners of scikit-learn's digits are always empty
        assert all(layer["effective"] <= layer["kept"] for layer in later)
        effective = sum(layer["effective"] for layer in row["layers"])
        assert row["effective_density"] == pytest.approx(effective / row["total"])


def test_the_metrics_of_a_level_are_its_row(report: dict[str, Any], finished: Path) -> None:
    for row in report["levels"]:
        assert json.loads((finished / f"out/levels/{row['level']:02d}/metrics.json").read_bytes()) == row


def test_test_figures_of_other_levels_are_exploratory(report: dict[str, Any]) -> None:
    assert [row["exploratory"] for row in report["levels"]] == [False, True, True, False]


def test_dense_has_no_verdict_and_no_controls(report: dict[str, Any]) -> None:
    dense = report["levels"][0]
    assert dense["verdict"] is None
    assert dense["test"]["ticket"] is dense["test"]["reinit"] is None
    assert dense["test"]["dense"]["n"] == 3


def test_every_search_is_listed_with_when_it_stopped(report: dict[str, Any]) -> None:
    for row in report["levels"]:
        searches = row["validation"]["replicates"]
        assert len(searches) == 3
        assert {key: row["validation"][key] for key in searches[0]} == searches[0]
        assert all(search["early_stop_step"] % 20 == 0 for search in searches)
    assert all(
        search["steps_to_dense_best"] == search["early_stop_step"]
        for search in report["levels"][0]["validation"]["replicates"]
    )


def test_the_curves_are_of_the_first_search_and_of_what_was_certified(report: dict[str, Any]) -> None:
    drawn = [(curve["stage"], curve["replicate"], curve["branch"], curve["level"]) for curve in report["curves"]]
    search = [("search", 0, "ticket" if level else "dense", level) for level in range(4)]
    branches = [("dense", 0), ("ticket", 3), ("reinit", 3), ("shuffle", 3)]
    assert drawn == search + [("certificate", r, branch, level) for r in range(3) for branch, level in branches]
    assert all([point[0] for point in curve["points"]] == [20, 40, 60] for curve in report["curves"])


def test_the_train_figures_are_those_of_the_last_weights_on_the_labels_trained_on(make_bench: Any) -> None:
    bench = make_bench(evidence="none", keep_levels="models")
    search(bench, 0)
    data = bench.data
    found = Findings(bench.journal, bench.subject, restart=restart_of(bench.recipe, per_epoch=9), seed=0)
    again = bench.train(
        Where.of_search(0, 0),
        found.initial(0),
        mask=found.mask(0, 0),
        order_seed=order_of_level(bench.recipe.seed, 0, 0),
    )[0]
    network = placed(bench.subject.module, again.final, device="cpu").eval()
    right = (network(data.x_train).argmax(1) == data.y_train).double().mean().item()
    assert bench.result(Where.of_search(0, 0)).train_accuracy == right
    assert [said["train_accuracy"] for said in bench.observer.of_type("level_completed")] == [
        bench.result(Where.of_search(0, level)).train_accuracy for level in range(3)
    ]


def test_every_row_says_its_regime_and_the_report_says_where_the_threshold_is(report: dict[str, Any]) -> None:
    named = report["regime"]["levels"]
    assert [row["regime"] for row in report["levels"]] == [row["regime"] for row in named]
    assert [row["train_error"] for row in named] == [
        pytest.approx(1 - row["train"]["accuracy"]) for row in report["levels"]
    ]
    assert all(len(row["train"]["replicates"]) == 3 for row in report["levels"])
    parameters = report["model"]["parameters"]
    examples = report["dataset"]["train"] * report["dataset"]["classes"]
    assert named[0]["parameters_per_target"] == pytest.approx(parameters / examples)
    removed = report["levels"][2]["total"] - report["levels"][2]["kept"]
    assert named[2]["parameters_per_target"] == pytest.approx((parameters - removed) / examples)


def test_one_example_in_a_thousand_interpolates_and_the_next_level_is_critical(make_bench: Any) -> None:
    bench, named = make_bench(evidence="none", levels=4), ["interpolating"] * 2 + ["critical"] * 2 + ["classical"]
    search(bench, 0)
    for level, accuracy in enumerate((1.0, 0.999, 0.998, 0.99, 0.9)):
        bench.journal.facts[Where.of_search(0, level).piece]["train_accuracy"] = accuracy
    found = Findings(bench.journal, bench.subject, restart=restart_of(bench.recipe, per_epoch=9), seed=0)
    for level, regime in enumerate(named):
        made = regime_of(bench, found, delivered=level)
        assert [row["regime"] for row in made["levels"]] == named
        assert (made["delivered"], made["critical_levels"]) == (regime, [2, 3])


def test_a_dense_network_that_does_not_fit_is_warned_of(report: dict[str, Any], said: Any) -> None:
    dense = report["regime"]["levels"][0]
    assert dense["train_error"] > 0.001  # 60 updates are too few
    assert "classical_regime" in [warning["code"] for warning in report["warnings"]]
    assert "classical_regime" in [warning["code"] for warning in said.of_type("warning")]

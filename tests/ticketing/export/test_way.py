"""ticketing.export.way: what a whole run on digits says of its target, its connectivity and what it reused."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from ticketing.folder import OUT, read_spec
from ticketing.observer import RecordingObserver
from ticketing.runs.run import run


def report(folder: Path) -> dict[str, Any]:
    observer = RecordingObserver()
    run(folder, read_spec(folder), observer=observer, clock=time.monotonic)
    assert observer.last_progress["fraction"] <= 1.0
    read: dict[str, Any] = json.loads((folder / OUT / "report.json").read_bytes())
    return read


@pytest.fixture(scope="module")
def to_a_drop(lay_out: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    evidence = {"replicates": 1, "controls": ["shuffle"]}
    target = {"levels": None, "target": {"max_accuracy_drop": 0.05}, "rate": 0.4}
    return report(lay_out(tmp_path_factory.mktemp("drop") / "run", evidence=evidence, **target))


def test_the_way_to_a_drop_is_told_with_its_candidates(to_a_drop: dict[str, Any]) -> None:
    told, rows = to_a_drop["search"]["target"], to_a_drop["levels"]
    assert told["max_accuracy_drop"] == 0.05
    assert to_a_drop["search"]["delivered_level"] == told["within"][-1]
    assert [row["level"] for row in rows] == sorted(told["within"] + told["beyond"])
    assert [row["level"] for row in rows if row["beyond_target"]] == told["beyond"]
    dense = rows[0]["validation"]["accuracy"]
    assert all((dense - row["validation"]["accuracy"] > 0.05 + 1e-9) == row["beyond_target"] for row in rows)


def test_progress_ends_at_the_end_although_the_plan_was_a_bound(make_folder: Any) -> None:
    folder, observer = make_folder(level_length="early_stop", evidence="quick", length="40it"), RecordingObserver()
    run(folder, read_spec(folder), observer=observer, clock=time.monotonic)
    assert observer.last_progress["fraction"] == 1.0


def test_candidates_that_failed_are_part_of_the_cost_and_levels_saved_are_counted(to_a_drop: dict[str, Any]) -> None:
    told, cost = to_a_drop["search"]["target"], to_a_drop["cost"]
    assert cost["search_trainings"] == 1 + told["levels_trained"] == len(told["within"]) + len(told["beyond"])
    assert told["levels_saved"] == told["levels_of_fixed_ladder"] - told["levels_trained"]
    assert told["levels_of_fixed_ladder"] == told["within"][-1] + 1


def test_where_nothing_may_be_pruned_dense_is_delivered_without_a_verdict(make_folder: Any) -> None:
    # 97 of 100 weights at once, no accuracy to lose; further rungs would empty a layer, and are passed over.
    asked = {"levels": None, "target": {"max_accuracy_drop": 0.0}, "rate": 0.97, "scope": "global"}
    made = report(make_folder(evidence={"replicates": 1, "controls": ["reinit"]}, **asked))
    assert (made["search"]["delivered_level"], made["certificate"]) == (0, None)
    assert (made["search"]["delivered"]["sparsity"], made["cost"]["certificate_trainings"]) == (0.0, 0)


def test_connectivity_is_told_with_its_cost_and_the_dense_run_it_reused(make_folder: Any) -> None:
    made = report(make_folder(rewind="auto", evidence="none", length="60it"))
    told, cost = made["search"]["connectivity"], made["cost"]
    assert made["search"]["rewind"] == told["chosen"]
    tried = [*told["tried"], told["sparse"]] if told["sparse"] else told["tried"]
    assert told["extra_updates"] == sum(60 - child["step"] for child in tried)
    assert (cost["reused_trainings"], cost["reused_updates"]) == (len(tried), told["extra_updates"])
    first = 0 if told["chosen"] == "lr" else int(told["chosen"].removesuffix("it"))
    assert cost["search_updates"] == 60 + 2 * (60 - first) + told["extra_updates"]


def test_a_recipe_without_either_says_nothing_of_them(make_folder: Any) -> None:
    made = report(make_folder(evidence="none"))
    assert (made["search"]["target"], made["search"]["connectivity"]) == (None, None)
    assert (made["cost"]["reused_trainings"], made["cost"]["reused_updates"]) == (0, 0)


def test_with_short_levels_the_finalist_is_delivered(make_folder: Any) -> None:
    evidence = {"replicates": 1, "controls": []}
    made = report(make_folder(level_length="20it", evidence=evidence))
    delivered = made["search"]["delivered"]
    assert delivered["finalist"]
    assert (made["cost"]["search_updates"], made["cost"]["certificate_updates"]) == (3 * 20, 2 * 60)
    # One network, whose answers on test are those of the certificate.
    assert delivered["test"]["accuracy"] == made["levels"][2]["test"]["ticket"]["mean"]


def test_without_evidence_short_levels_deliver_what_the_search_trained_and_warn(make_folder: Any) -> None:
    made = report(make_folder(level_length="20it", evidence="none"))
    assert not made["search"]["delivered"]["finalist"]
    assert "delivered_trained_shorter" in [warning["code"] for warning in made["warnings"]]


@pytest.fixture(scope="module")
def gradual(lay_out: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    asked = {"schedule_of_pruning": "gradual", "levels": 6, "evidence": {"replicates": 2, "controls": []}}
    return report(lay_out(tmp_path_factory.mktemp("gradual") / "run", **asked))


def test_a_gradual_search_lists_its_prunings_to_the_count_that_is_handed_out(gradual: dict[str, Any]) -> None:
    told, row = gradual["search"]["gradual"], gradual["levels"][1]
    assert [told[name] for name in ("begin", "end", "every", "updates")] == [6, 45, 1, 60]
    assert [made["step"] for made in told["prunings"]] == list(range(7, 46))
    assert told["prunings"][-1] == {"step": 45, "kept": row["kept"], "sparsity": row["sparsity"]}
    assert [point[0] for point in told["curve_while_pruning"]] == [20, 40]
    curve = next(curve for curve in gradual["curves"] if (curve["stage"], curve["level"]) == ("search", 1))
    assert [point[0] for point in curve["points"]] == [60]


def test_the_pruned_networks_own_accuracy_stands_beside_the_tickets(gradual: dict[str, Any]) -> None:
    told, search, row = gradual["search"]["gradual"], gradual["search"], gradual["levels"][1]
    assert told["test_accuracy"] == search["delivered"]["test"]["accuracy"] == search["test_accuracy"]
    assert told["validation_accuracies"] == [one["accuracy"] for one in row["validation"]["replicates"]]
    assert row["test"]["ticket"]["n"] == gradual["certificate"]["n"] == len(told["validation_accuracies"]) == 2
    assert gradual["cost"]["search_updates"] == 2 * (60 + 60)
    dense = 2 * 60 * 6 * 60 * gradual["model"]["multiply_adds"]
    assert dense < gradual["cost"]["flops_nonzero"] < gradual["cost"]["flops_executed"] == 2 * dense


def test_a_search_by_levels_on_no_budget_tells_of_neither(to_a_drop: dict[str, Any]) -> None:
    assert (to_a_drop["search"]["gradual"], to_a_drop["search"]["budget"]) == (None, None)


def test_a_budget_is_told_with_what_one_search_used_of_it(make_folder: Any) -> None:
    made = report(make_folder(levels=5, budget={"samples": 60 * 60 * 4}, evidence={"replicates": 2, "controls": []}))
    told = made["search"]["budget"]
    assert told["ended_by"] == "samples"
    assert (told["levels"], told["levels_asked"], made["search"]["delivered_level"]) == (3, 5, 3)
    assert told["used"]["samples"] == 60 * 60 * 4 == made["cost"]["search_samples"] / 2
    assert 0 < told["used"]["flops"] < made["cost"]["flops_executed"]
    warned = [warning["code"] for warning in made["warnings"]]
    assert {"budget_ends_search", "budget_ended_search", "budget_of_one_search"} <= set(warned)

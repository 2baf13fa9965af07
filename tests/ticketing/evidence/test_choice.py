"""ticketing.evidence.choice: the last level is delivered, the sparsest within tolerance is best; said once."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from ticketing.evidence.choice import best_level, choose
from ticketing.evidence.trainings import gather
from ticketing.journal.findings import Findings
from ticketing.journal.results import Result
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.searches.iterative import search
from ticketing.training.rewinding import restart_of


def found_in(bench: Workbench) -> Findings:
    restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
    return Findings(bench.journal, bench.subject, restart=restart, seed=bench.recipe.seed)


@pytest.fixture
def searched(make_bench: Any) -> Workbench:
    bench: Workbench = make_bench(evidence={"replicates": 2, "controls": [], "tolerance": 0.02})
    for replicate in (0, 1):
        search(bench, replicate)
    return bench


def put(bench: Workbench, *accuracies: tuple[float, float]) -> None:
    """Overwrite the validation accuracy of every level, one per search."""
    for level, of_searches in enumerate(accuracies):
        for replicate, accuracy in enumerate(of_searches):
            piece = Where(replicate, "search", "ticket" if level else "dense", level).piece
            result = Result.from_json(bench.journal.facts[piece])
            bench.journal.facts[piece] = result.as_json() | {"accuracy": accuracy}


def test_the_last_level_is_delivered(searched: Workbench) -> None:
    assert choose(searched, found_in(searched)) == 2


def test_the_choice_is_said_once_with_what_it_was_made_on(searched: Workbench) -> None:
    put(searched, (0.9, 0.0), (0.8, 0.0), (0.7, 0.0))
    for _ in range(2):
        choose(searched, found_in(searched))
    (told,) = searched.observer.of_type("ticket_found")  # type: ignore[attr-defined]
    assert (told["level"], told["validation_accuracy"], told["dense_validation_accuracy"]) == (2, 0.7, 0.9)


def test_the_best_level_is_the_sparsest_within_tolerance_over_all_searches(searched: Workbench) -> None:
    put(searched, (0.90, 0.90), (0.88, 0.89), (0.87, 0.88))
    best = best_level(searched, found_in(searched))
    assert (best["level"], best["value"]) == (1, pytest.approx(0.885))
    assert best["delta_vs_dense"] == pytest.approx(-0.015)


def test_where_every_level_is_worse_dense_is_best(searched: Workbench) -> None:
    put(searched, (0.90, 0.90), (0.5, 0.5), (0.5, 0.5))
    assert best_level(searched, found_in(searched))["level"] == 0


def test_a_level_that_recovers_counts(searched: Workbench) -> None:
    put(searched, (0.90, 0.90), (0.5, 0.5), (0.90, 0.91))
    assert best_level(searched, found_in(searched))["level"] == 2


def test_other_test_labels_change_no_mask_no_choice_and_no_model(
    make_bench: Any, make_dataset: Any, tmp_path: Any
) -> None:
    data = make_dataset()
    order = torch.randperm(len(data.y_test), generator=torch.Generator().manual_seed(0))
    journals = []
    for name, labels in (("own", data.y_test), ("permuted", data.y_test[order])):
        evidence = {"replicates": 2, "controls": ["shuffle"]}
        bench = make_bench(evidence=evidence, data=replace(data, y_test=labels), folder=tmp_path / name)
        restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
        found = found_in(bench)
        for replicate in (0, 1):
            search(bench, replicate)
        level = choose(bench, found)
        gather(bench, found, restart=restart, levels=(level,))
        journals.append((bench.journal, best_level(bench, found)))
    (own, best), (permuted, other_best) = journals
    assert best == other_best
    assert own.facts.keys() == permuted.facts.keys()
    for piece, facts in own.facts.items():
        assert facts | {"seconds": 0} == permuted.facts[piece] | {"seconds": 0}
    answers = 0
    for piece, tensors in own.tensors.items():
        for name, tensor in tensors.items():
            same = torch.equal(tensor, permuted.tensors[piece][name])
            assert same != name.startswith("correct_"), (piece, name)
            answers += not same
    assert answers == 2 * 3 * 2  # two replicates of three networks at two moments: all that the test split touched

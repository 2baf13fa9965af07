"""ticketing.analysis.stability: the earliest stable update is chosen, by few children, with the same bits again."""

from pathlib import Path
from typing import Any

import pytest

from ticketing.analysis import stability
from ticketing.journal.findings import Findings
from ticketing.journal.workbench import Workbench
from ticketing.observer import RecordingObserver, Stopped
from ticketing.searches.iterative import search
from ticketing.sparse import same_bits
from ticketing.training.rewinding import STABILITY, Restart, restart_of, settled

LENGTH = 40


def bench_of(make_bench: Any, make_training: Any, **words: Any) -> Workbench:
    training = make_training(length=f"{LENGTH}it", optimizer={"name": "adam", "learning_rate": 0.01})
    bench: Workbench = make_bench(rewind="auto", training=training, **words)
    return bench


def test_a_level_then_restarts_as_if_the_recipe_had_named_the_update(
    make_bench: Any, make_training: Any, tmp_path: Path
) -> None:
    auto = bench_of(make_bench, make_training)
    search(auto, 0)
    search(auto, 1)
    named = settled(auto.recipe, auto.journal.facts)
    again = make_bench(rewind=named.rewind, training=auto.recipe.training, folder=tmp_path / "named")
    search(again, 0)
    search(again, 1)
    one, other = (
        Findings(bench.journal, bench.subject, restart=restart_of(named, per_epoch=9), seed=0)
        for bench in (auto, again)
    )
    assert all(one.mask(replicate, 2) == other.mask(replicate, 2) for replicate in (0, 1))
    assert same_bits(one.trained(0, 2), other.trained(0, 2))
    assert not [piece for piece in auto.journal.facts if piece.startswith("kept/")]


@pytest.mark.parametrize("updates", [5, 43, 75, 100, 130, 165])
def test_a_choice_stopped_anywhere_is_the_same_choice(
    make_bench: Any, make_training: Any, tmp_path: Path, updates: int
) -> None:
    whole = bench_of(make_bench, make_training, folder=tmp_path / "whole")
    search(whole, 0)
    first = bench_of(make_bench, make_training, observer=RecordingObserver(stop_after=updates))
    with pytest.raises(Stopped):
        search(first, 0)
    gone_on = bench_of(make_bench, make_training)
    search(gone_on, 0)
    assert gone_on.journal.facts[STABILITY] == whole.journal.facts[STABILITY]
    assert gone_on.journal.facts.keys() - {"run/invariants"} == whole.journal.facts.keys() - {"run/invariants"}
    one, other = (
        Findings(
            bench.journal,
            bench.subject,
            restart=restart_of(settled(bench.recipe, bench.journal.facts), per_epoch=9),
            seed=0,
        )
        for bench in (whole, gone_on)
    )
    assert same_bits(one.trained(0, 2), other.trained(0, 2))


def test_the_dense_run_is_trained_once_and_is_a_child_of_every_update(make_bench: Any, make_training: Any) -> None:
    bench = bench_of(make_bench, make_training, levels=1)
    search(bench, 0)
    told = bench.journal.facts[STABILITY]
    trained = [piece for piece in bench.journal.facts if piece.startswith("search/")]
    children = {f"search/0/child_{tried['step']}/0" for tried in told["tried"]}
    sparse = set() if told["sparse"] is None else {f"search/0/child_{told['sparse']['step']}/1"}
    assert set(trained) == {"search/0/dense/0", "search/0/ticket/1"} | children | sparse
    assert all(tried["updates"] == LENGTH - tried["step"] for tried in told["tried"])


def test_a_level_that_is_not_stable_when_sparse_is_warned_of() -> None:
    sparse = {"level": 1, "step": 5, "barrier": 0.1, "stable": False}
    facts = {STABILITY: {"chosen": "5it", "candidates": [0, 5], "threshold": 0.02, "sparse": sparse}}
    (warning,) = stability.warnings_of_choice(facts)
    assert warning["code"] == "rewind_unstable_when_sparse"
    assert stability.warnings_of_choice({}) == []


def test_where_no_update_is_stable_kept_weights_stay_as_trained_and_that_is_warned_of(make_bench: Any) -> None:
    facts = {STABILITY: {"chosen": "lr", "candidates": [0, 5], "threshold": 0.02, "sparse": None}}
    recipe = settled(make_bench(rewind="auto").recipe, facts)
    assert restart_of(recipe, per_epoch=9) == Restart(first_step=0, from_trained=True, fine_tune=False)
    assert [warning["code"] for warning in stability.warnings_of_choice(facts)] == ["no_stable_rewind"]

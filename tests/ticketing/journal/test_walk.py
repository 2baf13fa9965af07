"""ticketing.journal.walk: a search for an accuracy drop, run for real: rungs, restarts, weights, the same bits."""

from pathlib import Path
from typing import Any

import pytest

from ticketing.journal.findings import Findings
from ticketing.journal.walk import Walk, walk_of
from ticketing.journal.workbench import Workbench
from ticketing.ladder.counts import kept_counts
from ticketing.observer import RecordingObserver, Stopped
from ticketing.searches.iterative import search
from ticketing.sparse import same_bits
from ticketing.training.rewinding import restart_of

DROP = {"levels": None, "target": {"max_accuracy_drop": 0.02}, "rate": 0.4, "evidence": {"replicates": 2}}


def bench_of(make_bench: Any, make_training: Any, **words: Any) -> Workbench:
    training = make_training(length="60it", optimizer={"name": "adam", "learning_rate": 0.01})
    bench: Workbench = make_bench(training=training, **DROP | words)
    return bench


def found_in(bench: Workbench) -> Findings:
    return Findings(bench.journal, bench.subject, restart=restart_of(bench.recipe, per_epoch=9), seed=0)


def searched(*args: Any, **words: Any) -> Workbench:
    bench = bench_of(*args, **words)
    for replicate in (0, 1):
        search(bench, replicate)
    return bench


def test_it_ends_at_the_sparsest_level_within_the_drop(make_bench: Any, make_training: Any) -> None:
    bench = searched(make_bench, make_training)
    walk, ladder = walk_of(bench), kept_counts(bench.subject.inventory, bench.recipe)
    told = {row["level"]: row for row in bench.observer.of_type("level_completed") if row["replicate"] == 0}
    dense = told[0]["validation_accuracy"]
    assert walk.beyond
    assert walk.beyond[0] == walk.within[-1] + 1
    for level, row in told.items():
        assert (row["validation_accuracy"] >= dense - 0.02 - 1e-9) == (level in walk.within)
        assert row["kept"] == sum(ladder[level].values())


def test_masks_shrink_along_the_way_and_candidates_are_cut_from_it(make_bench: Any, make_training: Any) -> None:
    bench = searched(make_bench, make_training)
    walk, found = walk_of(bench), found_in(bench)
    for level in walk.levels[1:]:
        cut_from = [at for at in walk.within if at < level]
        assert found.mask(0, level).within(found.mask(0, cut_from[0]))
    for below, above in zip(walk.within, walk.within[1:], strict=False):
        assert found.mask(0, above).within(found.mask(0, below))


def test_later_searches_go_where_the_first_one_led_and_no_further(make_bench: Any, make_training: Any) -> None:
    bench = searched(make_bench, make_training)
    levels = [row["level"] for row in bench.observer.of_type("level_completed") if row["replicate"] == 1]
    assert levels == list(walk_of(bench).within)


@pytest.mark.parametrize("rewind", ["0it", "10it", "lr"])
def test_weights_are_kept_of_the_delivered_level_alone(make_bench: Any, make_training: Any, rewind: str) -> None:
    bench = searched(make_bench, make_training, rewind=rewind)
    last = walk_of(bench).within[-1]
    weights = {piece for piece in bench.journal.facts if piece.startswith(("trained/", "restart/", "latest/"))}
    restarts = {f"restart/{replicate}/{last}" for replicate in (0, 1)} if rewind == "lr" and last else set()
    assert weights == {f"trained/0/{last}"} | restarts


@pytest.mark.parametrize("rewind", ["0it", "lr"])
@pytest.mark.parametrize("updates", [61, 130, 230])
def test_stopped_anywhere_it_goes_the_same_way_to_the_same_bits(
    make_bench: Any, make_training: Any, tmp_path: Path, updates: int, rewind: str
) -> None:
    whole = searched(make_bench, make_training, rewind=rewind, folder=tmp_path / "whole")
    first = bench_of(make_bench, make_training, rewind=rewind, observer=RecordingObserver(stop_after=updates))
    with pytest.raises(Stopped):
        search(first, 0)
    gone_on = searched(make_bench, make_training, rewind=rewind)
    assert walk_of(gone_on) == walk_of(whole)
    last = walk_of(whole).within[-1]
    assert found_in(gone_on).mask(1, last) == found_in(whole).mask(1, last)
    assert same_bits(found_in(gone_on).trained(0, last), found_in(whole).trained(0, last))


def test_a_fixed_ladder_is_all_within(make_bench: Any) -> None:
    bench = make_bench()
    search(bench, 0)
    assert walk_of(bench) == Walk((0, 1, 2))


def test_the_rungs_end_before_a_layer_would_be_empty(make_bench: Any) -> None:
    ladder = make_bench(**DROP).plan.ladder
    assert min(ladder[-1]["groups"].values()) >= 1
    assert len(ladder) - 1 == make_bench(**DROP).plan.levels > 4

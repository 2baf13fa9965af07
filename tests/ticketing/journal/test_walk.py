"""ticketing.journal.walk: a search for an accuracy drop, run for real: rungs, restarts, weights, the same bits."""

from pathlib import Path
from typing import Any

import pytest

from ticketing.journal.findings import Findings
from ticketing.journal.walk import Walk, ended_by, walk_of, warnings_of_end
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


def test_seconds_end_the_first_search_and_the_later_ones_go_as_far(make_bench: Any) -> None:
    pace, now = [1], [0]

    def clock() -> int:
        now[0] += pace[0]
        return now[0]

    bench = make_bench(levels=5, budget={"seconds": 160}, evidence={"replicates": 2, "controls": []}, clock=clock)
    search(bench, 0)
    pace[0] = 100  # whatever the second search takes
    search(bench, 1)
    walk, told = walk_of(bench), bench.observer.of_type("level_completed")
    spent = [row["seconds"] for row in told if row["replicate"] == 0]
    assert 3 <= len(walk.within) < 6
    assert sum(spent) <= 160 < sum(spent) + spent[-1]
    assert [row["level"] for row in told if row["replicate"] == 1] == list(walk.within)
    assert ended_by(bench) == "seconds"
    (said,) = bench.observer.of_type("warning")
    assert [said] == warnings_of_end(bench)
    assert said["code"] == "budget_ended_search"


def test_one_pruned_level_is_made_however_few_the_seconds(make_bench: Any) -> None:
    bench = make_bench(levels=5, budget={"seconds": 1e-9})
    search(bench, 0)
    assert walk_of(bench) == Walk((0, 1))


def test_samples_end_a_ladder_where_the_plan_says_and_the_same_every_time(make_bench: Any, tmp_path: Path) -> None:
    budget = {"samples": 10 * 20 * 4}
    benches = [make_bench(levels=5, budget=budget, folder=tmp_path / name) for name in ("one", "same")]
    for bench in benches:
        search(bench, 0)
    one, same = benches
    assert walk_of(one) == walk_of(same) == Walk((0, 1, 2, 3))
    assert found_in(one).mask(0, 3) == found_in(same).mask(0, 3)
    assert ended_by(one) == "samples"
    free = make_bench(levels=5, folder=tmp_path / "free")
    search(free, 0)
    assert found_in(free).mask(0, 3) == found_in(one).mask(0, 3)


@pytest.mark.parametrize(("budget", "by"), [({"samples": 10 * 60 * 3}, "samples"), ({"samples": 10**9}, None)])
def test_a_way_to_an_accuracy_drop_ends_after_as_many_trainings_as_are_paid(
    make_bench: Any, make_training: Any, budget: dict[str, int], by: str | None
) -> None:
    bench = searched(make_bench, make_training, budget=budget)
    assert ended_by(bench) == by
    if by:
        assert len(walk_of(bench).levels) == 3


@pytest.mark.parametrize("updates", [15, 30])
def test_a_search_that_seconds_end_goes_on_in_another_attempt_to_the_same_end(
    make_bench: Any, tmp_path: Path, updates: int
) -> None:
    words = {"levels": 5, "budget": {"seconds": 1e-9}}
    whole = make_bench(**words, folder=tmp_path / "whole")
    search(whole, 0)
    with pytest.raises(Stopped):
        search(make_bench(**words, observer=RecordingObserver(stop_after=updates)), 0)
    gone_on = make_bench(**words)
    search(gone_on, 0)
    assert walk_of(gone_on) == walk_of(whole)
    assert same_bits(found_in(gone_on).trained(0, 1), found_in(whole).trained(0, 1))

"""ticketing.searches.iterative: exact monotone masks, every word of rewind, facts said once and before their save."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from ticketing import recipe
from ticketing.errors import CollapseError
from ticketing.journal.findings import Findings
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.ladder.counts import kept_counts
from ticketing.observer import RecordingObserver, Stopped
from ticketing.searches import SEARCHES
from ticketing.searches.iterative import search
from ticketing.seeds import order_of_level
from ticketing.sparse import same_bits
from ticketing.training.rewinding import restart_of

EVENTS_OF_A_LEVEL = ("mask_drawn", "level_completed", "checkpoint_saved")


def findings(bench: Workbench) -> Findings:
    restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
    return Findings(bench.journal, bench.subject, restart=restart, seed=bench.recipe.seed)


def searched(make_bench: Any, **words: Any) -> Workbench:
    bench: Workbench = make_bench(**words)
    search(bench, 0)
    return bench


def final_state(bench: Workbench, level: int) -> dict[str, torch.Tensor]:
    """Train a level again by hand and give what it ends with."""
    found, restart = findings(bench), restart_of(bench.recipe, per_epoch=bench.per_epoch)
    place = Where(0, "search", "ticket" if level else "dense", level)
    return bench.train(
        place.at(0),
        found.rewind_point(0, level),
        mask=found.mask(0, level),
        order_seed=order_of_level(bench.recipe.seed, place.replicate, place.level),
        first_step=restart.first_step if level else 0,
    )[0].final


@pytest.mark.parametrize("words", [{}, {"scope": "global"}, {"rate": {"default": 0.5, "output": 0.0}}])
def test_every_level_keeps_exactly_what_the_ladder_says(make_bench: Any, words: dict[str, Any]) -> None:
    bench = searched(make_bench, levels=3, **words)
    ladder = kept_counts(bench.subject.inventory, bench.recipe)
    kept = [findings(bench).mask(0, level).kept_count for level in range(4)]
    assert kept == [sum(row.values()) for row in ladder]


def test_masks_only_shrink(make_bench: Any) -> None:
    found = findings(searched(make_bench, levels=3))
    assert all(found.mask(0, level + 1).within(found.mask(0, level)) for level in range(3))


def test_the_weights_removed_are_the_smallest_after_training(make_bench: Any) -> None:
    bench = searched(make_bench, levels=1)
    trained = final_state(bench, 0)
    for name, kept in findings(bench).mask(0, 1).items():
        assert trained[name][kept].abs().min() >= trained[name][~kept].abs().max()


def test_layerwise_and_global_keep_different_weights(make_bench: Any, tmp_path: Any) -> None:
    layerwise = findings(searched(make_bench)).mask(0, 2)
    everywhere = findings(searched(make_bench, scope="global", folder=tmp_path / "global")).mask(0, 2)
    assert layerwise.counts() != everywhere.counts()


@pytest.mark.parametrize("rewind", ["0it", "5it", "1ep", "lr", "none"])
def test_every_rewind_restarts_where_it_says(make_bench: Any, rewind: str) -> None:
    bench = searched(make_bench, rewind=rewind, evidence={"replicates": 0, "levels": "all"})
    found = findings(bench)
    if rewind == "0it":
        expected = bench.subject.initial_state
    elif rewind in ("lr", "none"):
        expected = found.rewind_point(0, 2)
        assert not same_bits(expected, found.rewind_point(0, 1))
        assert not same_bits(expected, bench.subject.initial_state)
    else:
        place = Where(0, "search", "dense", 0)
        step = restart_of(bench.recipe, per_epoch=9).first_step
        order = order_of_level(bench.recipe.seed, place.replicate, place.level)
        again = bench.train(
            place, bench.subject.initial_state, mask=found.mask(0, 0), order_seed=order, capture_at={step}
        )[0]
        expected = again.captured[step]
    assert same_bits(found.rewind_point(0, 2), expected)


@pytest.mark.parametrize(("rewind", "updates"), [("0it", 20), ("5it", 15), ("lr", 20), ("none", 20)])
def test_pruned_levels_train_what_is_left_of_the_schedule(make_bench: Any, rewind: str, updates: int) -> None:
    told = searched(make_bench, rewind=rewind).observer.of_type("level_completed")
    assert [level["updates"] for level in told] == [20, updates, updates]


def test_the_words_of_rewind_train_to_different_weights(make_bench: Any, make_training: Any, tmp_path: Any) -> None:
    dropping = make_training(schedule={"name": "milestones", "at": ["10it"]})  # else lr and none are the same
    ends = [
        findings(searched(make_bench, rewind=rewind, folder=tmp_path / rewind, training=dropping)).trained(0, 2)
        for rewind in ("0it", "5it", "lr", "none")
    ]
    assert not any(same_bits(one, other) for i, one in enumerate(ends) for other in ends[:i])


def test_facts_are_said_before_the_checkpoint_that_carries_them(make_bench: Any) -> None:
    bench = searched(make_bench)
    said = [word for word, _ in bench.observer.events if word in EVENTS_OF_A_LEVEL]
    level = ["level_completed", "mask_drawn", "checkpoint_saved"]
    assert said == [*level, *level, "level_completed", "checkpoint_saved"]


def test_the_last_checkpoint_of_a_level_stands_at_the_next_one(make_bench: Any) -> None:
    told = searched(make_bench, rewind="5it").observer.of_type("checkpoint_saved")
    assert [(at["where"]["level"], at["where"]["step"]) for at in told] == [(1, 5), (2, 5), (2, 20)]


@pytest.mark.parametrize("updates", range(1, 50, 7))
@pytest.mark.parametrize("rewind", ["0it", "5it", "lr"])
def test_a_search_stopped_anywhere_says_every_fact_once_and_ends_with_the_same_bits(
    make_bench: Any, tmp_path: Any, updates: int, rewind: str
) -> None:
    undisturbed = searched(make_bench, rewind=rewind, folder=tmp_path / "undisturbed")
    first = make_bench(rewind=rewind, observer=RecordingObserver(stop_after=updates))
    with pytest.raises(Stopped):
        search(first, 0)
    bench = searched(make_bench, rewind=rewind)
    assert _durable(first.observer) + _durable(bench.observer) == _durable(undisturbed.observer)
    for level in (1, 2):
        assert findings(bench).mask(0, level) == findings(undisturbed).mask(0, level)
    assert same_bits(findings(bench).trained(0, 2), findings(undisturbed).trained(0, 2))


def _durable(observer: Any) -> list[tuple[str, int]]:
    """The facts that a checkpoint carries: those said before the last one."""
    last = max((i for i, (word, _) in enumerate(observer.events) if word == "checkpoint_saved"), default=-1)
    return [(w, d["level"]) for w, d in observer.events[:last] if w in ("mask_drawn", "level_completed")]


def test_a_finished_search_trains_nothing_again(make_bench: Any) -> None:
    searched(make_bench)
    again = make_bench()
    search(again, 0)
    assert again.observer.events == []


def test_replicates_start_from_other_weights_and_find_other_masks(make_bench: Any) -> None:
    bench = searched(make_bench)
    search(bench, 1)
    found = findings(bench)
    assert not same_bits(found.initial(0), found.initial(1))
    assert found.mask(0, 2) != found.mask(1, 2)
    assert found.mask(0, 2).counts() == found.mask(1, 2).counts()


def test_a_model_that_came_trained_is_level_0_as_it_is(make_bench: Any, make_subject: Any) -> None:
    subject = make_subject()
    trained = replace(subject, spec=subject.spec.model_copy(update={"weights": "trained"}))
    bench = searched(make_bench, subject=trained, rewind="lr", levels=1)
    told = bench.observer.of_type("level_completed")
    assert [level["updates"] for level in told] == [0, 20]
    assert same_bits(findings(bench).rewind_point(0, 1), subject.initial_state)


def test_a_layer_that_would_keep_nothing_ends_the_search(make_bench: Any, make_subject: Any) -> None:
    # One logit cannot grow where its inputs are always zero, so global pruning empties the first layer.
    subject = make_subject(in_features=8, hidden=[2], classes=3)
    with pytest.raises(CollapseError, match="leaves none"):
        searched(make_bench, subject=subject, scope="global", rate=0.97, levels=1)


def test_a_collapse_that_is_allowed_goes_on(make_bench: Any, make_subject: Any) -> None:
    subject = make_subject(in_features=8, hidden=[2], classes=3)
    bench = searched(make_bench, subject=subject, scope="global", rate=0.97, levels=1, allow_collapse=True)
    assert min(findings(bench).mask(0, 1).counts().values()) == 0


def test_every_search_of_the_recipe_that_ends_in_a_ticket_has_its_function() -> None:
    assert set(SEARCHES) == {word for word, of in recipe.RECIPES.items() if issubclass(of, recipe.TicketRecipe)}

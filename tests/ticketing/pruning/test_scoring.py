"""ticketing.pruning.scoring: a level is scored by what the one before it held, many equals are told apart by lot."""

from typing import Any

import pytest
import torch

from ticketing.actions import Actions
from ticketing.journal.findings import Findings
from ticketing.journal.workbench import Workbench
from ticketing.mask import Mask
from ticketing.pruning.scoring import Scores, scored
from ticketing.training.rewinding import restart_of


@pytest.fixture
def at_level_one(make_bench: Any) -> Any:
    """Make a bench whose dense run has ended, and what was found."""

    def make(**words: Any) -> tuple[Workbench, Findings]:
        bench = make_bench(**words)
        restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
        found = Findings(bench.journal, bench.subject, restart=restart, seed=0, actions=Actions.of(bench.recipe))
        found.keep_latest(0, {name: 2 * w if w.dim() else w for name, w in bench.subject.initial_state.items()})
        return bench, found

    return make


@pytest.mark.parametrize(
    ("words", "drawn"),
    [
        ({}, False),
        ({"criterion": "large_init"}, False),
        ({"criterion": "random"}, False),
        ({"criterion": "movement"}, True),
        ({"criterion": "snip"}, True),
        ({"criterion": "large_final_same_sign"}, True),
        ({"kept": "constant"}, True),
        ({"kept": "reinit"}, False),
    ],
)
def test_equals_are_drawn_among_where_they_come_by_the_thousand(
    at_level_one: Any, words: dict[str, Any], drawn: bool
) -> None:
    assert (scored(*at_level_one(**words), 0, 1).ties is not None) == drawn


def test_every_level_draws_anew(at_level_one: Any) -> None:
    bench, found = at_level_one(criterion="random")
    found.keep_mask(0, 1, Mask.full(bench.subject.shapes))
    one, again, next_level = (scored(bench, found, 0, level).of["fc1.weight"] for level in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, next_level)


def test_lamp_scores_are_normalised(at_level_one: Any) -> None:
    scores = scored(*at_level_one(scope="lamp", rate={"default": 0.2}), 0, 1)
    assert all(float(score.max()) == 1 for score in scores.of.values())


def test_the_gradient_is_that_of_the_masked_network_at_its_initial_weights(at_level_one: Any) -> None:
    bench, found = at_level_one(criterion="gradient")
    dense = scored(bench, found, 0, 1).of
    generator = torch.Generator().manual_seed(0)
    half = Mask({name: torch.rand(shape, generator=generator) < 0.5 for name, shape in bench.subject.shapes.items()})
    found.keep_mask(0, 1, half)
    assert not torch.equal(scored(bench, found, 0, 2).of["fc3.weight"], dense["fc3.weight"])


def test_only_criteria_with_classes_count_who_is_ineligible(at_level_one: Any) -> None:
    bench, found = at_level_one(criterion="large_final_different_sign")
    scores = scored(bench, found, 0, 1)
    # No weight turned its sign: all are ineligible.
    assert scores.ineligible_in(Mask.full(bench.subject.shapes)) == bench.subject.inventory.prunable_total
    assert Scores({}, None, None).ineligible_in(Mask.full(bench.subject.shapes)) is None

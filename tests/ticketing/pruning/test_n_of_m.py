"""ticketing.pruning.n_of_m: the best of every block stay, exactly as many, as a slow search finds them."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ticketing.blocks import in_blocks, uneven
from ticketing.criteria import Candidates
from ticketing.errors import CountError, InvariantError, NonFiniteScoreError
from ticketing.mask import Mask
from ticketing.pruning.n_of_m import keep_in_blocks
from ticketing.pruning.scoring import scores_of
from ticketing.recipe import Iterative
from ticketing.recipe.masking import OF_WEIGHTS


@dataclass(frozen=True)
class Problem:
    """Scores full of ties over a mask that keeps `before` of every block, of which `keep` are to stay."""

    shape: tuple[int, ...]
    block: int
    before: int
    keep: int
    seed: int

    @cached_property
    def within(self) -> Mask:
        ranks = {"w": torch.rand(self.shape, generator=torch.Generator().manual_seed(self.seed))}
        full = Mask.full({"w": self.shape})
        return keep_in_blocks(ranks, counts(full, self.before, self.block), self.block, within=full)

    @cached_property
    def scores(self) -> Tensor:
        return torch.randint(-2, 3, self.shape, generator=torch.Generator().manual_seed(self.seed + 1)).float()

    def solved(self, ties: int | None = None) -> Mask:
        asked = counts(self.within, self.keep, self.block)
        return keep_in_blocks({"w": self.scores}, asked, self.block, within=self.within, ties=ties)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    block = draw(st.integers(2, 5))
    shape = (draw(st.integers(1, 3)), block * draw(st.integers(1, 2)), *draw(st.sampled_from([(), (2, 2)])))
    before = draw(st.integers(1, block))
    return Problem(shape, block, before, draw(st.integers(0, before)), draw(st.integers(0, 10_000)))


def counts(mask: Mask, of_each: int, block: int) -> dict[str, int]:
    return {"w": mask["w"].numel() * of_each // block}


def reference(scores: Tensor, within: Tensor, block: int, keep: int) -> Tensor:
    """Sort every block by itself, the best first and among equals the earlier."""
    kept = torch.zeros_like(within)
    outputs, inputs, *place = scores.shape
    for output, begin, at in product(range(outputs), range(0, inputs, block), product(*map(range, place))):
        there = [(output, begin + k, *at) for k in range(block)]
        left = [index for index in there if within[index]]
        for index in sorted(left, key=lambda index: -float(scores[index]))[:keep]:
            kept[index] = True
    return kept


@given(problems())
def test_agrees_with_a_plain_stable_sort_of_every_block(problem: Problem) -> None:
    expected = reference(problem.scores, problem.within["w"], problem.block, problem.keep)
    assert torch.equal(problem.solved()["w"], expected)


@given(problems(), st.one_of(st.none(), st.integers(0, 3)))
def test_every_block_keeps_as_many_and_nothing_comes_back(problem: Problem, ties: int | None) -> None:
    mask = problem.solved(ties)
    assert set(in_blocks(mask["w"], problem.block).sum(1).tolist()) == {problem.keep}
    assert mask.within(problem.within)
    assert mask == problem.solved(ties)


@given(problems(), st.integers(0, 3))
def test_a_draw_among_equals_keeps_the_same_scores_of_every_block(problem: Problem, ties: int) -> None:
    lowest = torch.full_like(problem.scores, -torch.inf)
    drawn, first = (
        in_blocks(torch.where(mask["w"], problem.scores, lowest), problem.block).sort(1).values
        for mask in (problem.solved(ties), problem.solved())
    )
    assert torch.equal(drawn, first)


@pytest.mark.parametrize("criterion", sorted(OF_WEIGHTS))
def test_every_criterion_draws_a_ladder_of_blocks(criterion: str) -> None:
    recipe = Iterative.model_validate({"search": "iterative", "structure": "1:4", "criterion": criterion})
    initial, trained, gradients = (
        {"w": torch.randn(6, 8, generator=torch.Generator().manual_seed(seed))} for seed in range(3)
    )
    mask = Mask.full({"w": (6, 8)})
    for count in (36, 24, 12):
        candidates = Candidates(mask, initial, trained, seed=0, measure_gradients=lambda: gradients)
        scores = scores_of(recipe, candidates, ties=0)
        after = keep_in_blocks(scores.of, {"w": count}, 4, within=mask, ties=scores.ties)
        assert (after.kept_count, uneven(after, 4), after.within(mask)) == (count, [], True)
        mask = after


def test_places_among_equals_are_drawn_from_all_of_a_block() -> None:
    full = Mask.full({"w": (500, 4)})
    mask = keep_in_blocks({"w": torch.zeros(500, 4)}, {"w": 1_000}, 4, within=full, ties=0)
    # 250 of each column are expected; five standard deviations of a hypergeometric draw are 56.
    assert all(194 < kept < 306 for kept in mask["w"].sum(0).tolist())


def test_of_a_million_entries_every_block_keeps_its_two() -> None:
    scores = torch.rand(1_000, 1_000, generator=torch.Generator().manual_seed(0))
    mask = keep_in_blocks({"w": scores}, {"w": 500_000}, 4, within=Mask.full({"w": (1_000, 1_000)}))
    assert bool((mask["w"].reshape(-1, 4).sum(1) == 2).all())


def test_a_parameter_that_keeps_its_count_stays_whole_whatever_its_inputs() -> None:
    scores, full = {"a": torch.rand(2, 4), "b": torch.rand(2, 3)}, Mask.full({"a": (2, 4), "b": (2, 3)})
    mask = keep_in_blocks(scores, {"a": 4, "b": 6}, 4, within=full)
    assert (mask.counts(), uneven(mask, 4)) == ({"a": 4, "b": 6}, [])


@pytest.mark.parametrize(
    ("shape", "count", "message"),
    [
        ((2, 4), 3, r"w: expected a count that keeps as many of every 4 inputs, got 3 of \[2, 4\]"),
        ((4, 6), 12, r"got 12 of \[4, 6\]"),
    ],
)
def test_a_count_that_no_blocks_have_is_refused(shape: tuple[int, int], count: int, message: str) -> None:
    with pytest.raises(CountError, match=message):
        keep_in_blocks({"w": torch.rand(shape)}, {"w": count}, 4, within=Mask.full({"w": shape}))


def test_a_block_that_has_lost_too_many_is_refused() -> None:
    within = Mask({"w": torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0]], dtype=torch.bool)})
    with pytest.raises(CountError, match="w: expected 2 entries or more in every block, got 1"):
        keep_in_blocks({"w": torch.rand(2, 4)}, {"w": 4}, 4, within=within)


def test_scores_are_checked_as_those_of_single_entries() -> None:
    with pytest.raises(NonFiniteScoreError, match="got nan at entry 1"):
        keep_in_blocks({"w": torch.tensor([[1.0, torch.nan]])}, {"w": 1}, 2, within=Mask.full({"w": (1, 2)}))
    with pytest.raises(InvariantError, match="within"):
        keep_in_blocks({"w": torch.rand(1, 2)}, {"w": 1}, 2, within=Mask.full({"v": (1, 2)}))

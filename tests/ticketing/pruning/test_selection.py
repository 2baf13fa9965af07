"""ticketing.pruning.selection: exact counts, deterministic ties, refused nonsense."""

import math
from collections.abc import Mapping

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ticketing.errors import CollapseError, CountError, InvariantError, NonFiniteScoreError
from ticketing.mask import Mask
from ticketing.pruning.selection import keep_top


def reference(scores: Mapping[str, Tensor], keep: int, within: Mask | None) -> dict[str, list[bool]]:
    """Sort all eligible entries, highest first, the earlier of equals first; keep the first `keep`."""
    eligible = [
        (-score, place, name)
        for name, tensor in scores.items()
        for place, score in enumerate(tensor.ravel().tolist())
        if within is None or within[name].ravel()[place]
    ]
    kept = {(name, place) for _, place, name in sorted(eligible, key=lambda entry: entry[0])[:keep]}
    return {name: [(name, place) in kept for place in range(t.numel())] for name, t in scores.items()}


@st.composite
def problems(draw: st.DrawFn) -> tuple[dict[str, Tensor], Mask | None, int]:
    """Scores with few distinct values, so that most of them tie."""
    values = st.sampled_from([0.0, -0.0, 0.5, 1.0, -2.0, 1e-30, 3e38])
    scores = {
        name: torch.tensor(draw(st.lists(values, min_size=n, max_size=n))).reshape(shape)
        for name, n, shape in (("b", 6, (2, 3)), ("a", 9, (9,)))
    }
    if not draw(st.booleans()):
        return scores, None, draw(st.integers(0, 15))
    bits = {name: draw(st.lists(st.booleans(), min_size=t.numel(), max_size=t.numel())) for name, t in scores.items()}
    within = Mask({name: torch.tensor(row).reshape(scores[name].shape) for name, row in bits.items()})
    return scores, within, draw(st.integers(0, within.kept_count))


@given(problems())
def test_agrees_with_a_plain_stable_sort(problem: tuple[dict[str, Tensor], Mask | None, int]) -> None:
    scores, within, keep = problem
    mask = keep_top(scores, keep, within=within, allow_collapse=True)
    assert {name: tensor.ravel().tolist() for name, tensor in mask.items()} == reference(scores, keep, within)


@given(problems())
def test_keeps_exactly_the_requested_count_of_what_was_kept(
    problem: tuple[dict[str, Tensor], Mask | None, int],
) -> None:
    scores, within, keep = problem
    mask = keep_top(scores, keep, within=within, allow_collapse=True)
    assert mask.kept_count == keep
    assert within is None or mask.within(within)


def test_ten_equal_scores_of_which_five_stay_keep_the_first_five() -> None:
    assert keep_top({"a": torch.ones(10)}, 5)["a"].tolist() == [True] * 5 + [False] * 5


def test_equal_scores_keep_the_earlier_parameter() -> None:
    mask = keep_top({"z": torch.ones(2, 2), "a": torch.ones(3)}, 5)
    assert mask.counts() == {"z": 4, "a": 1}
    assert mask["a"].tolist() == [True, False, False]


def test_higher_scores_stay_wherever_they_are() -> None:
    mask = keep_top({"a": torch.tensor([[1.0, 5.0], [2.0, 0.0]]), "b": torch.tensor([4.0, 3.0])}, 3)
    assert mask["a"].tolist() == [[False, True], [False, False]]
    assert mask["b"].tolist() == [True, True]


def test_what_was_removed_never_comes_back_however_high_its_score() -> None:
    within = Mask({"a": torch.tensor([False, True, True])})
    assert keep_top({"a": torch.tensor([9.0, 1.0, 2.0])}, 1, within=within)["a"].tolist() == [False, False, True]


def test_a_million_ties_take_no_longer_than_a_million_others() -> None:
    mask = keep_top({"a": torch.zeros(1_000_000)}, 300_000)
    assert mask["a"].sum() == mask["a"][:300_000].sum() == 300_000


@given(problems(), st.integers(0, 3))
def test_a_draw_among_equals_keeps_the_same_scores_and_count(
    problem: tuple[dict[str, Tensor], Mask | None, int], ties: int
) -> None:
    scores, within, keep = problem
    drawn, first = (keep_top(scores, keep, within=within, allow_collapse=True, ties=t) for t in (ties, None))
    kept = [sorted(float(s) for name in scores for s in scores[name][mask[name]]) for mask in (drawn, first)]
    assert kept[0] == kept[1]
    assert within is None or drawn.within(within)
    assert drawn == keep_top(scores, keep, within=within, allow_collapse=True, ties=ties)


@pytest.mark.parametrize("keep", [-1, 5])
def test_a_count_outside_what_is_there_is_refused(keep: int) -> None:
    with pytest.raises(CountError, match=str(keep)):
        keep_top({"a": torch.ones(4)}, keep)


def test_a_count_beyond_what_is_still_kept_is_refused() -> None:
    with pytest.raises(CountError, match="0 to 2 entries, got 3"):
        keep_top({"a": torch.ones(4)}, 3, within=Mask({"a": torch.tensor([True, False, True, False])}))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_refused_by_name_and_place(bad: float) -> None:
    with pytest.raises(NonFiniteScoreError, match=rf"b: expected finite scores, got {bad} at entry 2"):
        keep_top({"a": torch.ones(4), "b": torch.tensor([[1.0, 2.0], [bad, bad]])}, 3)


def test_a_parameter_left_with_nothing_is_refused_by_name() -> None:
    with pytest.raises(CollapseError, match=r"\['b'\]"):
        keep_top({"a": torch.ones(4), "b": torch.zeros(4)}, 3)


def test_a_collapse_is_allowed_when_asked_for() -> None:
    assert keep_top({"a": torch.ones(4), "b": torch.zeros(4)}, 3, allow_collapse=True).counts() == {"a": 3, "b": 0}


def test_a_mask_of_other_parameters_is_refused() -> None:
    with pytest.raises(InvariantError, match="within"):
        keep_top({"a": torch.ones(4)}, 3, within=Mask.full({"b": (4,)}))

"""ticketing.criteria.magnitude: scores are sizes before and after training, and reverse controls reverse them."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketing.criteria import CRITERIA
from ticketing.mask import Mask


def one(values: list[float]) -> dict[str, torch.Tensor]:
    return {"a": torch.tensor(values)}


def scores(word: str, initial: list[float], trained: list[float], make: Any, **more: Any) -> list[float]:
    found: list[float] = CRITERIA[word](make(one(initial), one(trained), **more))["a"].tolist()
    return found


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("large_final", [3, 2, 0.5]),
        ("small_final", [-3, -2, -0.5]),
        ("large_init", [1, 4, 0]),
        ("small_init", [-1, -4, 0]),
    ],
)
def test_a_size_is_that_of_the_weight_before_or_after_whatever_its_sign(
    word: str, expected: list[float], make_candidates: Any
) -> None:
    assert scores(word, [1.0, -4.0, 0.0], [-3.0, 2.0, 0.5], make_candidates) == expected


def test_large_at_both_ends_goes_by_the_lower_of_two_ranks(make_candidates: Any) -> None:
    # Ranks of |w_i|: 4 1 3 2 of 4; of |w_f|: 1 4 3 2 of 4.
    found = scores("large_init_large_final", [-9.0, 1.0, 5.0, 2.0], [0.1, 7.0, -6.0, 3.0], make_candidates)
    assert found == [0.25, 0.25, 0.75, 0.5]


def test_small_at_both_ends_goes_by_the_higher_of_two_ranks(make_candidates: Any) -> None:
    found = scores("small_init_small_final", [-9.0, 1.0, 5.0, 2.0], [0.1, 7.0, -6.0, 3.0], make_candidates)
    assert found == [-1.0, -1.0, -0.75, -0.5]


def test_ranks_are_among_the_candidates_alone(make_candidates: Any) -> None:
    within = Mask({"a": torch.tensor([True, False, False, True])})
    found = scores("large_init_large_final", [1.0, 5.0, 6.0, 2.0], [1.0, 0.0, 0.0, 2.0], make_candidates, within=within)
    assert [found[0], found[3]] == [0.5, 1.0]


@given(st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=12))
def test_a_rank_is_the_share_not_above_so_equal_sizes_tie(make_candidates: Any, values: list[float]) -> None:
    found = scores("large_init_large_final", values, values, make_candidates)
    sizes = [abs(value) for value in values]
    assert found == [sum(other <= size for other in sizes) / len(sizes) for size in sizes]

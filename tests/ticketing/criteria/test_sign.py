"""ticketing.criteria.sign: eligible entries stand above all others, and inside each class the score decides."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ticketing.criteria import CRITERIA, ELIGIBLE
from ticketing.criteria.candidates import eligible_first
from ticketing.criteria.sign import different_sign, same_sign

INITIAL = {"a": torch.tensor([1.0, -1.0, 1.0, -1.0, 0.0, 1.0])}
TRAINED = {"a": torch.tensor([2.0, -3.0, -4.0, 5.0, 6.0, 0.0])}
"""Same, same, turned, turned, from zero, to zero."""


def test_a_sign_is_kept_or_turned_and_zero_has_none(make_candidates: Any) -> None:
    candidates = make_candidates(INITIAL, TRAINED)
    assert same_sign(candidates)["a"].tolist() == [True, True, False, False, False, False]
    assert different_sign(candidates)["a"].tolist() == [False, False, True, True, False, False]


@pytest.mark.parametrize(
    ("word", "best_first"),
    [
        ("large_final_same_sign", [1, 0, 4, 3, 2, 5]),
        ("large_final_different_sign", [3, 2, 4, 1, 0, 5]),
        ("magnitude_increase_same_sign", [1, 0, 4, 3, 2, 5]),
        ("magnitude_increase_different_sign", [3, 2, 4, 1, 0, 5]),
    ],
)
def test_the_eligible_come_first_each_class_by_its_score(
    word: str, best_first: list[int], make_candidates: Any
) -> None:
    scores = CRITERIA[word](make_candidates(INITIAL, TRAINED))["a"]
    assert scores.argsort(descending=True).tolist() == best_first


def test_an_eligible_entry_that_shrank_stands_above_an_ineligible_one_that_grew(make_candidates: Any) -> None:
    # The authors' code puts the ineligible at 0, above the eligible one's -0.9.
    candidates = make_candidates({"a": torch.tensor([1.0, 1.0])}, {"a": torch.tensor([0.1, -9.0])})
    scores = CRITERIA["magnitude_increase_same_sign"](candidates)["a"]
    assert scores[0] > scores[1]


@pytest.mark.parametrize("word", ELIGIBLE)
def test_no_ineligible_entry_of_any_parameter_stands_above_an_eligible_one(word: str, make_candidates: Any) -> None:
    candidates = make_candidates()
    scores, eligible = CRITERIA[word](candidates), ELIGIBLE[word](candidates)
    first = torch.cat([scores[name][bits] for name, bits in eligible.items()])
    last = torch.cat([scores[name][~bits] for name, bits in eligible.items()])
    assert first.min() > last.max()


values = st.lists(st.tuples(st.sampled_from([0.0, 1e-38, -1e-30, 1.0, 3e38]), st.booleans()), min_size=2, max_size=12)


@given(values)
def test_lifting_keeps_the_order_and_the_ties_of_each_class(entries: list[tuple[float, bool]]) -> None:
    scores = {"a": torch.tensor([score for score, _ in entries])}
    lifted = eligible_first(scores, {"a": torch.tensor([bit for _, bit in entries])})["a"].tolist()
    expected = [(bit, score) for score, bit in zip(scores["a"].tolist(), (b for _, b in entries), strict=True)]
    for i, one in enumerate(expected):
        for j, other in enumerate(expected):
            assert (lifted[i] < lifted[j]) == (one < other)

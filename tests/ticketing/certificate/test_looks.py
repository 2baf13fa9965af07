"""ticketing.certificate.looks: however often it is looked, the truth is excluded in at most 5 % of sequences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.certificate.intervals import t_quantile
from ticketing.certificate.looks import confidence_of


def excluded(looks: tuple[int, ...], confidence: float, sequences: int) -> float:
    """Count how often one of the looks excludes a true mean of 0."""
    bounds = {n: t_quantile(n - 1, confidence) for n in looks}
    differences = np.random.default_rng(1).standard_normal((sequences, looks[-1]))
    found = [any(abs(row[:n].mean()) > bounds[n] * row[:n].std(ddof=1) / n**0.5 for n in looks) for row in differences]
    return sum(found) / sequences


def test_one_look_has_the_confidence_it_always_had() -> None:
    assert confidence_of((3,)) == 0.95


@settings(max_examples=6, deadline=None)
@given(st.integers(3, 8), st.integers(1, 6))
def test_looks_share_the_error_and_waste_none_of_it(first: int, more: int) -> None:
    looks = tuple(range(first, first + more + 1))
    assert 0.95 < confidence_of(looks) <= 1 - 0.05 / len(looks) + 1e-4
    assert confidence_of(looks) <= confidence_of((*looks, looks[-1] + 1)) + 2e-4


@pytest.mark.parametrize("looks", [(3, 4, 5), tuple(range(3, 11))])
def test_all_looks_together_exclude_the_truth_in_at_most_5_percent(looks: tuple[int, ...]) -> None:
    # 1,500 sequences: 5 % has a standard error of 0.56 points; three of them are allowed.
    assert excluded(looks, confidence_of(looks), 1500) < 0.05 + 0.017


def test_a_plain_95_percent_interval_looked_at_again_and_again_would_exclude_it_far_more_often() -> None:
    assert excluded(tuple(range(3, 11)), 0.95, 400) > 0.1


def test_the_same_looks_have_the_same_confidence_to_the_bit() -> None:
    confidence_of.cache_clear()
    first = confidence_of((3, 4, 5))
    confidence_of.cache_clear()
    assert confidence_of((3, 4, 5)) == first == 0.9778

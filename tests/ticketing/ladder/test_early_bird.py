"""ticketing.ladder.early_bird: both rules, window and threshold on sequences of masks made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ticketing.channels.distances import distance, distances
from ticketing.ladder.early_bird import Rule, distance_by_chance, earliest, uninformative
from ticketing.ladder.early_bird import settled as settled_by

Masks = list[np.ndarray]

CHANNELS = 20
both_rules = pytest.mark.parametrize("rule", ["newest_vs_window", "consecutive"])


def masks(*shifts: int) -> Masks:
    """Make masks that keep ten channels in a row, shifted: a shift by one more differs in two of twenty, 0.1."""
    return [np.roll(np.arange(CHANNELS) < CHANNELS // 2, shift) for shift in shifts]


def settled(masks: Masks, *, rule: Rule, window: int, threshold: float) -> bool:
    def between(a: int, b: int) -> float:
        return distance(masks[a], masks[b])

    return settled_by(between, len(masks), rule=rule, window=window, threshold=threshold)


def found_at(sequence: Masks, rule: Rule, *, window: int = 5, threshold: float = 0.1) -> int | None:
    """Give the first epoch, from 1, at which the ticket is found."""
    for epoch in range(1, len(sequence) + 1):
        if settled(sequence[:epoch], rule=rule, window=window, threshold=threshold):
            return epoch
    return None


def test_masks_that_never_change_are_found_as_early_as_the_rule_can() -> None:
    still = masks(*[0] * 12)
    assert found_at(still, "newest_vs_window") == 5
    assert found_at(still, "consecutive") == 6


@both_rules
@pytest.mark.parametrize("window", [2, 3, 5, 8])
def test_one_mask_less_than_the_rule_needs_finds_nothing(rule: Rule, window: int) -> None:
    needed = earliest(rule, window)
    assert found_at(masks(*[0] * needed), rule, window=window) == needed
    assert found_at(masks(*[0] * (needed - 1)), rule, window=window) is None


@both_rules
def test_a_distance_of_exactly_the_threshold_is_close_and_one_above_is_not(rule: Rule) -> None:
    # Back and forth by one: every two neighbours differ by 0.1, and none of the window by more.
    swinging = masks(*[0, 1] * 6)
    assert found_at(swinging, rule, threshold=0.1) == earliest(rule, 5)
    assert found_at(swinging, rule, threshold=0.0999) is None


def test_a_slow_drift_is_consecutive_and_never_settles_against_the_window() -> None:
    drifting = masks(*range(12))
    assert found_at(drifting, "consecutive") == 6
    assert found_at(drifting, "newest_vs_window") is None
    # Two masks apart are 0.2 apart: a window of two is the successive distance itself.
    assert found_at(drifting, "newest_vs_window", window=2) == 2


def test_a_jump_is_forgotten_when_it_has_left_the_window() -> None:
    # The jump lies between epochs 3 and 4: the windows that hold both sides of it are those up to epochs 7 and 8.
    jump = masks(0, 0, 0, 5, 5, 5, 5, 5, 5, 5)
    assert found_at(jump, "newest_vs_window") == 8
    assert found_at(jump, "consecutive") == 9


def test_only_the_newest_is_compared_against_the_window() -> None:
    # 0 and 2 differ by 0.2, but the newest lies between them.
    assert settled(masks(0, 2, 1), rule="newest_vs_window", window=3, threshold=0.1)
    assert not settled(masks(0, 1, 2), rule="newest_vs_window", window=3, threshold=0.1)


@given(arrays(bool, (4, 9)))
def test_distances_are_a_metric_on_masks(rows: np.ndarray) -> None:
    found = distances(list(rows), [np.ones(9, dtype=bool)])
    assert np.array_equal(found, found.T)
    assert not found.diagonal().any()
    assert (found[0, 1] <= found[0, 2] + found[2, 1] + 1e-12).all()
    assert found[0, 1] == np.logical_xor(rows[0], rows[1]).mean()


@pytest.mark.parametrize("sparsity", [0.1, 0.3, 0.5, 0.9])
def test_masks_drawn_at_random_are_as_far_apart_as_is_said(sparsity: float) -> None:
    rng = np.random.default_rng(0)
    n, pairs = 2000, 200
    kept = np.arange(n) >= sparsity * n
    found = [distance(rng.permutation(kept), rng.permutation(kept)) for _ in range(pairs)]
    assert np.mean(found) == pytest.approx(distance_by_chance(sparsity), abs=5 * np.std(found) / pairs**0.5)


@given(st.floats(0.01, 0.99))
def test_a_threshold_is_uninformative_where_chance_is_within_twice_of_it(sparsity: float) -> None:
    assert uninformative(sparsity, 0.1) == (distance_by_chance(sparsity) < 0.2)


def test_the_paper_s_threshold_tells_little_below_a_sparsity_of_eleven_per_cent() -> None:
    assert uninformative(0.11, 0.1)
    assert not uninformative(0.12, 0.1)
    assert uninformative(0.89, 0.1)

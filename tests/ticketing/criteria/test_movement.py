"""ticketing.criteria.movement: scores are what training changed."""

from typing import Any

import torch

from ticketing.criteria.movement import magnitude_increase, movement

INITIAL = {"a": torch.tensor([1.0, -1.0, -2.0, 0.5])}
TRAINED = {"a": torch.tensor([3.0, -3.0, 1.0, 0.5])}


def test_a_magnitude_increase_is_away_from_zero_on_either_side(make_candidates: Any) -> None:
    assert magnitude_increase(make_candidates(INITIAL, TRAINED))["a"].tolist() == [2, 2, -1, 0]


def test_movement_is_a_distance(make_candidates: Any) -> None:
    assert movement(make_candidates(INITIAL, TRAINED))["a"].tolist() == [2, 2, 3, 0]


def test_movement_is_never_less_than_the_change_of_size(make_candidates: Any) -> None:
    candidates = make_candidates()
    for name, distance in movement(candidates).items():
        assert bool((distance >= magnitude_increase(candidates)[name].abs() - 1e-6).all())

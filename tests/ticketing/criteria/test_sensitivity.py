"""ticketing.criteria.sensitivity: scores are slopes of the loss at the initial weights."""

from typing import Any

import torch

from ticketing.criteria.candidates import Candidates
from ticketing.criteria.sensitivity import gradient, snip
from ticketing.mask import Mask

INITIAL = {"a": torch.tensor([2.0, -3.0, 0.0])}
SLOPES = {"a": torch.tensor([-1.0, 0.5, 4.0])}


def test_snip_is_the_slope_times_the_weight(make_candidates: Any) -> None:
    assert snip(make_candidates(INITIAL, gradients=SLOPES))["a"].tolist() == [2, 1.5, 0]


def test_gradient_is_the_slope_alone(make_candidates: Any) -> None:
    assert gradient(make_candidates(INITIAL, gradients=SLOPES))["a"].tolist() == [1, 0.5, 4]


def test_the_gradient_is_measured_once_and_only_when_asked_for() -> None:
    measured = []

    def measure() -> dict[str, torch.Tensor]:
        measured.append(1)
        return SLOPES

    candidates = Candidates(Mask.full({"a": (3,)}), INITIAL, INITIAL, 0, measure)
    assert measured == []
    gradient(candidates)
    snip(candidates)
    assert measured == [1]

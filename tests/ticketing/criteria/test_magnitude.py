"""ticketing.criteria.magnitude: scores are sizes of trained weights."""

import torch

from ticketing.criteria import CRITERIA
from ticketing.criteria.magnitude import large_final


def test_large_final_is_the_size_after_training_whatever_it_was_before() -> None:
    trained = {"a": torch.tensor([-3.0, 2.0]), "a_bias": torch.tensor([9.0])}
    scores = large_final(trained, {"a": torch.tensor([100.0, 0.0])}, ["a"])
    assert {name: tensor.tolist() for name, tensor in scores.items()} == {"a": [3, 2]}


def test_every_criterion_scores_each_entry_of_the_named_parameters_alone() -> None:
    state = {"b": torch.randn(2, 3), "a": torch.randn(4), "c": torch.randn(5)}
    for criterion in CRITERIA.values():
        scores = criterion(state, state, ["b", "a"])
        assert {name: tuple(t.shape) for name, t in scores.items()} == {"b": (2, 3), "a": (4,)}

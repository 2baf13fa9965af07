"""ticketing.criteria.chance: a lot is seeded, fair, and without ties."""

from typing import Any

import torch

from ticketing.criteria.chance import random


def test_the_same_seed_draws_the_same_and_another_another(make_candidates: Any) -> None:
    one, again, other = (random(make_candidates(seed=seed))["a"] for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_million_entries_do_not_tie(make_candidates: Any) -> None:
    many = {"a": torch.zeros(1_000_000)}
    assert len(random(make_candidates(many, many))["a"].unique()) == 1_000_000


def test_a_lot_is_uniform(make_candidates: Any) -> None:
    many = {"a": torch.zeros(100_000)}
    scores = random(make_candidates(many, many))["a"]
    # Four standard errors of the mean of a uniform draw.
    assert abs(float(scores.mean()) - 0.5) < 4 * (1 / 12 / 100_000) ** 0.5
    assert 0 <= float(scores.min()) < float(scores.max()) < 1

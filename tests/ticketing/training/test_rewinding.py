"""ticketing.training.rewinding: where each word of `rewind` restarts, and which weights a replicate begins with."""

from typing import Any

import pytest

from ticketing.errors import RecipeError
from ticketing.recipe import Iterative
from ticketing.sparse import same_bits
from ticketing.training.rewinding import Restart, initial_state, restart_of


def recipe(rewind: str, length: str = "100it") -> Iterative:
    return Iterative.model_validate({"search": "iterative", "rewind": rewind, "training": {"length": length}})


@pytest.mark.parametrize(
    ("rewind", "expected"),
    [
        ("0it", Restart(first_step=0, from_trained=False, fine_tune=False)),
        ("30it", Restart(first_step=30, from_trained=False, fine_tune=False)),
        ("2ep", Restart(first_step=18, from_trained=False, fine_tune=False)),
        ("lr", Restart(first_step=0, from_trained=True, fine_tune=False)),
        ("none", Restart(first_step=0, from_trained=True, fine_tune=True)),
    ],
)
def test_every_word_restarts_in_its_own_way(rewind: str, expected: Restart) -> None:
    assert restart_of(recipe(rewind), per_epoch=9) == expected


def test_a_rewind_point_after_the_end_is_refused() -> None:
    with pytest.raises(RecipeError, match="before update 100"):
        restart_of(recipe("20ep"), per_epoch=9)


def test_the_first_replicate_begins_with_the_models_own_weights(make_subject: Any) -> None:
    subject = make_subject()
    assert initial_state(subject, seed=0, replicate=0) is subject.initial_state


def test_other_replicates_begin_with_draws_of_their_own(make_subject: Any) -> None:
    subject = make_subject()
    one, two = (initial_state(subject, seed=0, replicate=r) for r in (1, 2))
    assert not same_bits(one, two)
    assert not same_bits(one, subject.initial_state)
    assert same_bits(one, initial_state(subject, seed=0, replicate=1))

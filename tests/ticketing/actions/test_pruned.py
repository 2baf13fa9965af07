"""ticketing.actions.pruned: which entries have their initial weight, by sizes and never by signed values."""

from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ticketing.actions.pruned import PRUNED, Pruning
from ticketing.recipe.masking import PRUNED_WORDS, Pruned

#        kept      removed now                            removed before
#        grew      grew    grew(-)  shrank  shrank(-) still  held   not
INITIAL = [1.0, 0.1, -0.1, 0.5, -0.5, 0.3, 0.7, 0.7]
TRAINED = [2.0, 0.2, -0.2, 0.4, -0.4, 0.3, 0.7, 0.0]
KEPT = [1, 0, 0, 0, 0, 0, 0, 0]
BEFORE = [1, 1, 1, 1, 1, 1, 0, 0]
FROZEN = [0, 0, 0, 0, 0, 0, 1, 0]


def bits(values: list[int]) -> Tensor:
    return torch.tensor(values, dtype=torch.bool)


def pruning(kept: list[int] = KEPT, trained: list[float] = TRAINED) -> Pruning:
    return Pruning(bits(BEFORE), bits(kept), bits(FROZEN), torch.tensor(INITIAL), torch.tensor(trained))


def test_every_word_of_the_recipe_has_its_action_and_its_sentence() -> None:
    assert list(PRUNED) == list(PRUNED_WORDS) == list(get_args(Pruned))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("zero", [1, 0, 0, 0, 0, 0, 0, 0]),
        ("freeze", [1, 1, 1, 1, 1, 1, 1, 1]),
        ("freeze_if_growing", [1, 1, 1, 0, 0, 0, 1, 0]),
        ("freeze_if_growing_all", [1, 1, 1, 0, 0, 0, 1, 0]),
        ("freeze_if_shrinking", [1, 0, 0, 1, 1, 0, 1, 0]),
    ],
)
def test_a_removed_entry_has_its_initial_weight_or_zero_by_where_training_took_it(
    word: str, expected: list[int]
) -> None:
    assert PRUNED[word](pruning()).tolist() == [bool(bit) for bit in expected]


def test_only_the_variant_for_all_starts_kept_entries_that_shrank_at_zero() -> None:
    kept = [1, 0, 0, 1, 1, 1, 0, 0]
    assert PRUNED["freeze_if_growing"](pruning(kept)).tolist()[3:6] == [True, True, True]
    assert PRUNED["freeze_if_growing_all"](pruning(kept)).tolist()[3:6] == [False, False, True]


@given(st.sampled_from(sorted(PRUNED)), st.lists(st.floats(-2, 2, width=32), min_size=8, max_size=8))
def test_turning_every_sign_decides_the_same(word: str, trained: list[float]) -> None:
    one = pruning(trained=trained)
    turned = Pruning(one.before, one.kept, one.frozen, -one.initial, -one.trained)
    assert torch.equal(PRUNED[word](one), PRUNED[word](turned))


@pytest.mark.parametrize("word", ["freeze_if_growing", "freeze_if_growing_all", "freeze_if_shrinking"])
@given(trained=st.lists(st.floats(-2, 2, width=32), min_size=8, max_size=8))
def test_what_was_decided_of_an_entry_once_stays(word: str, trained: list[float]) -> None:
    assert PRUNED[word](pruning(trained=trained)).tolist()[6:] == [True, False]

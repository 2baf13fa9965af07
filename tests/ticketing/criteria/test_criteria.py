"""ticketing.criteria: every word has its function, and all of them keep the rules of scores."""

from typing import Any, get_args

import pytest
import torch

from ticketing.criteria import CRITERIA, ELIGIBLE
from ticketing.criteria.of_channels import CHANNEL_CRITERIA
from ticketing.recipe.masking import (
    CRITERION_WORDS,
    CROWDED,
    MAGNITUDES,
    NEED_INITIAL,
    OF_CHANNELS,
    OF_WEIGHTS,
    Criterion,
)


def test_every_word_of_the_recipe_has_its_criterion_and_its_sentence() -> None:
    assert list(CRITERION_WORDS) == list(get_args(Criterion))
    assert CRITERIA.keys() == OF_WEIGHTS
    assert CHANNEL_CRITERIA.keys() == OF_CHANNELS
    assert CRITERION_WORDS.keys() == OF_WEIGHTS | OF_CHANNELS
    assert ELIGIBLE.keys() <= CROWDED <= CRITERIA.keys()


@pytest.mark.parametrize("word", CRITERIA)
def test_every_entry_of_every_candidate_parameter_is_scored_in_their_order(word: str, make_candidates: Any) -> None:
    candidates = make_candidates()
    scores = CRITERIA[word](candidates)
    assert {name: tuple(t.shape) for name, t in scores.items()} == {"b": (3, 5), "a": (40,)}
    assert list(scores) == list(candidates.within)
    assert all(bool(torch.isfinite(t).all()) for t in scores.values())


@pytest.mark.parametrize("word", CRITERIA)
def test_scoring_changes_no_weight_and_gives_the_same_twice(word: str, make_candidates: Any) -> None:
    candidates, again = make_candidates(), make_candidates()
    once, twice = CRITERIA[word](candidates), CRITERIA[word](again)
    assert all(torch.equal(once[name], twice[name]) for name in once)
    for state in ("initial", "trained"):
        assert all(torch.equal(w, getattr(again, state)[name]) for name, w in getattr(candidates, state).items())


@pytest.mark.parametrize("word", sorted(CRITERIA))
def test_a_criterion_looks_at_the_initial_weights_where_it_says_so(word: str, make_candidates: Any) -> None:
    candidates = make_candidates()
    turned = {name: -2 * weight.flip(0) for name, weight in candidates.initial.items()}
    other = make_candidates(turned, candidates.trained, gradients=turned)
    same = all(torch.equal(t, CRITERIA[word](other)[name]) for name, t in CRITERIA[word](candidates).items())
    assert same == (word not in NEED_INITIAL)


@pytest.mark.parametrize("word", sorted(MAGNITUDES))
def test_a_size_is_never_negative(word: str, make_candidates: Any) -> None:
    assert all(bool((scores >= 0).all()) for scores in CRITERIA[word](make_candidates()).values())


@pytest.mark.parametrize(
    ("word", "control"),
    [("large_final", "small_final"), ("large_init", "small_init")],
)
def test_a_reverse_control_reverses(word: str, control: str, make_candidates: Any) -> None:
    candidates = make_candidates()
    for name, scores in CRITERIA[word](candidates).items():
        assert torch.equal(scores, -CRITERIA[control](candidates)[name])


def test_the_docstring_of_every_criterion_gives_its_equation() -> None:
    assert [word for word, criterion in CRITERIA.items() if not criterion.__doc__] == []

"""ticketing.plans.agreement: fields that rule each other out are named by their pointers, and what agrees is told."""

from typing import Any

import pytest

from ticketing.errors import RecipeError
from ticketing.plans.agreement import contradictions, misfits_of_trained, remarks
from ticketing.plans.parsing import parse_recipe, resolve
from ticketing.recipe import Iterative
from ticketing.recipe.masking import CRITERION_WORDS, OF_CHANNELS

DROP = {"max_accuracy_drop": 0.1}
SHORT, LONG = {"controls": ["dense_short"]}, {"controls": ["dense_long"]}


def recipe(**fields: Any) -> Iterative:
    return Iterative.model_validate({"search": "iterative"} | fields)


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({}, []),
        ({"scope": "lamp", "criterion": "snip"}, []),
        ({"scope": "lamp", "criterion": "magnitude_increase"}, [("/recipe/criterion", "not_a_size")]),
        ({"kept": "reshuffle", "keep_sign": True}, []),
        ({"keep_sign": True}, [("/recipe/keep_sign", "no_sign_to_keep")]),
        ({"kept": "constant", "keep_sign": True}, [("/recipe/keep_sign", "no_sign_to_keep")]),
        ({"kept": "reinit", "pruned": "freeze", "rewind": "0ep"}, []),
        ({"kept": "reinit", "rewind": "lr"}, [("/recipe/kept", "needs_rewind_to_start")]),
        ({"pruned": "freeze", "rewind": "5it"}, [("/recipe/pruned", "needs_rewind_to_start")]),
        ({"pruned": "freeze", "outputs": ["mask", "sparse"]}, [("/recipe/outputs", "not_sparse")]),
        ({"evidence": SHORT, "rewind": "5it"}, []),
        ({"evidence": {"levels": [3, 7]}, "levels": 7}, []),
        ({"evidence": {"levels": [3, 8]}, "levels": 7}, [("/recipe/evidence/levels", "no_such_level")]),
        ({"evidence": {"levels": [3]}, "target": {"sparsity": 0.5}}, []),
        ({"evidence": {"levels": [3]}, "target": DROP}, [("/recipe/evidence/levels", "levels_unknown")]),
        ({"evidence": {"levels": [3]}, "budget": {"seconds": 9}}, [("/recipe/evidence/levels", "levels_unknown")]),
        ({"evidence": {"levels": [3]}, "budget": {"samples": 9}}, []),
        ({"evidence": LONG, "rewind": "none"}, []),
        ({"evidence": SHORT, "rewind": "lr"}, [("/recipe/evidence/controls", "no_shorter_dense")]),
        ({"evidence": LONG, "rewind": "5it"}, [("/recipe/evidence/controls", "no_longer_dense")]),
        ({"evidence": SHORT, "rewind": "auto"}, [("/recipe/evidence/controls", "length_unknown")]),
        ({"evidence": LONG, "rewind": "auto"}, [("/recipe/evidence/controls", "length_unknown")]),
    ],
)
def test_a_contradiction_is_named_by_the_field_to_change(fields: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    assert [(fault.pointer, fault.code) for fault in contradictions(recipe(**fields))] == faults


def test_a_recipe_that_contradicts_itself_is_not_read() -> None:
    with pytest.raises(RecipeError, match="removed entries are not all zero") as caught:
        parse_recipe({"search": "iterative", "pruned": "freeze", "outputs": ["sparse"]}, at="/points/3/recipe")
    assert [fault.pointer for fault in caught.value.faults] == ["/points/3/recipe/outputs"]


@pytest.mark.parametrize("criterion", CRITERION_WORDS)
def test_a_model_that_came_trained_has_no_weights_before_training_to_look_at(criterion: str) -> None:
    known = criterion in ("large_final", "small_final") or criterion in OF_CHANNELS
    assert [fault.pointer for fault in misfits_of_trained(recipe(criterion=criterion))] == (
        [] if known else ["/recipe/criterion"]
    )


def test_a_trained_model_is_refused_what_it_cannot_have() -> None:
    where: dict[str, Any] = {"architecture": "mlp", "uploaded": True, "device_kind": "cpu", "seed": 0}
    with pytest.raises(RecipeError) as caught:
        resolve({"search": "iterative", "criterion": "movement"}, weights="trained", **where)
    assert [fault.code for fault in caught.value.faults] == ["initial_unknown"]
    assert resolve({"search": "iterative", "criterion": "movement"}, weights="initial", **where)


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        ({}, []),
        ({"pruned": "freeze"}, ["pruned_not_zero"]),
        ({"kept": "reinit"}, ["control_like_ticket"]),
        ({"kept": "reinit", "evidence": {"controls": ["shuffle"]}}, []),
        ({"kept": "reinit", "keep_sign": True}, []),
        ({"kept": "constant"}, []),
        ({"kept": "constant_random_sign"}, ["control_like_ticket"]),
    ],
)
def test_what_no_field_says_alone_is_told(fields: dict[str, Any], codes: list[str]) -> None:
    assert [code for code, _ in remarks(recipe(**fields))] == codes

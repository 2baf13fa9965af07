"""ticketing.recipe: every field has a default, a bound and a place; fields that contradict each other are refused."""

import pytest
from pydantic import ValidationError

from ticketing.recipe import Evidence, Iterative, Rate
from ticketing.step import Step


def recipe(**fields: object) -> Iterative:
    return Iterative.model_validate({"search": "iterative", **fields})


def test_a_search_alone_is_a_whole_recipe_and_reads_back_the_same() -> None:
    assert recipe().levels == 10
    assert Iterative.model_validate_json(recipe().model_dump_json()) == recipe()


def test_a_target_takes_the_place_of_the_levels() -> None:
    assert recipe(target={"sparsity": 0.9}).levels is None


def test_a_number_is_the_rate_of_every_kind() -> None:
    assert recipe(rate=0.3).rate == Rate(default=0.3)
    assert Rate(default=0.3, output=0.0).of("output") == 0.0
    assert Rate(default=0.3, output=0.0).of("conv") == 0.3


@pytest.mark.parametrize(
    ("word", "n", "controls", "levels"),
    [
        ("none", 0, (), "delivered"),
        ("quick", 1, (), "delivered"),
        ("standard", 3, ("reinit", "shuffle"), "delivered"),
        ("paper", 5, ("reinit", "shuffle"), "all"),
    ],
)
def test_a_word_of_evidence_stands_for_its_parts(word: str, n: int, controls: tuple[str, ...], levels: str) -> None:
    evidence = recipe(evidence=word).evidence
    assert (evidence.replicates, evidence.controls, evidence.levels) == (n, controls, levels)
    assert evidence.tolerance == Evidence().tolerance == 0.005


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"levels": 3, "target": {"sparsity": 0.5}}, "got both"),
        ({"scope": "global", "rate": {"default": 0.2, "conv": 0.1}}, "one rate for all kinds"),
        ({"rewind": "20ep"}, "expected rewind before training.length"),
        ({"training": {"length": "0it"}}, "at least one iteration"),
        ({"training": {"evaluate_every": "0ep"}}, "at least one iteration"),
        ({"evidence": {"controls": ["reinit", "reinit"]}}, "each control once"),
        ({"target": {"sparsity": 1.0}}, "less than 1"),
        ({"target": {"max_accuracy_drop": 1.0}}, "less than 1"),
        ({"target": {}}, "expected one of sparsity, max_accuracy_drop, got none"),
        ({"target": {"sparsity": 0.5, "max_accuracy_drop": 0.1}}, "expected one of sparsity, max_accuracy_drop, got"),
        ({"target": {"max_macs": 1000}}, "Extra inputs"),
        ({"level_length": "full_stop"}, "expected a step"),
        ({"rate": 1.0}, "less than 1"),
        ({"training": {"optimizer": {"name": "sgd", "learning_rate": float("nan")}}}, "finite"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        recipe(**fields)


def test_global_competition_may_exempt_a_kind() -> None:
    assert recipe(scope="global", rate={"default": 0.2, "output": 0}).rate.of("output") == 0


def test_a_rewind_is_a_step_or_a_word() -> None:
    assert recipe(rewind="2ep").rewind == Step("2ep")
    assert recipe(rewind="lr").rewind == "lr"


def test_a_recipe_cannot_be_changed_after_it_was_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        recipe().seed = 3  # type: ignore[misc]

"""ticketing.recipe: every field has a default, a bound and a place; fields that contradict each other are refused."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ticketing.recipe import Evidence, Iterative, Rate
from ticketing.step import Step


def recipe(**fields: object) -> Iterative:
    return Iterative.model_validate({"search": "iterative", **fields})


def test_a_search_alone_is_a_whole_recipe_and_reads_back_the_same() -> None:
    assert recipe().levels == 10
    assert Iterative.model_validate_json(recipe().model_dump_json()) == recipe()


def test_a_training_with_everything_in_it_reads_back_the_same() -> None:
    training = {
        "optimizer": {"name": "adamw", "weight_decay_on": "weights"},
        "schedule": {"name": "one_cycle"},
        "label_noise": {"kind": "asymmetric", "fraction": 0.2, "map": {"9": 1, "3": 5}},
        "ema": {"decay": 0.99},
        "gradient_clip": 1.0,
        "label_smoothing": 0.1,
        "augment": "cutout",
    }
    made = recipe(training=training)
    assert Iterative.model_validate_json(made.model_dump_json()) == made
    assert made.training.label_noise is not None
    assert made.training.label_noise.map == {9: 1, 3: 5}


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
        ("paper", 5, ("reinit", "shuffle", "reinit_shuffle", "random"), "all"),
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
        ({"target": {"max_bytes": 1000}}, "Extra inputs"),
        ({"level_length": "full_stop"}, "expected a step"),
        ({"rate": 1.0}, "less than 1"),
        ({"training": {"optimizer": {"name": "sgd", "learning_rate": float("nan")}}}, "finite"),
        ({"training": {"label_noise": {"kind": "asymmetric", "fraction": 0.2}}}, "expected a map such as"),
        ({"training": {"label_noise": {"kind": "pairflip", "fraction": 0.2, "map": {1: 2}}}}, "map with asymmetric"),
        ({"training": {"label_noise": {"kind": "asymmetric", "fraction": 1, "map": {3: 3}}}}, r"\[3\] to itself"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        recipe(**fields)


def test_global_competition_may_exempt_a_kind() -> None:
    assert recipe(scope="global", rate={"default": 0.2, "output": 0}).rate.of("output") == 0


def test_the_most_literal_glob_gives_the_rate_and_the_alphabet_decides_among_equals() -> None:
    rate = Rate(default=0.3, output=0.2, by_name={"a*": 0.1, "*b": 0.4, "a.b": 0.5, "[ab]": 0.6})
    assert [rate.of_layer(name, "conv") for name in ("ab", "a.b", "b", "c", "ax")] == [0.4, 0.5, 0.6, 0.3, 0.1]
    assert rate.of_layer("c", "output") == 0.2


@pytest.mark.parametrize("scope", ["global", "erk", "lamp"])
def test_one_rate_goes_for_all_that_compete_whatever_their_names(scope: str) -> None:
    assert recipe(scope=scope, rate={"by_name": {"fc1": 0, "fc2": 0.2}}).scope == scope
    with pytest.raises(ValidationError, match=r"got another for \['fc1'\]"):
        recipe(scope=scope, rate={"by_name": {"fc1": 0.1}})


def test_without_zeros_there_is_no_sparse_file_unless_one_is_asked_for() -> None:
    assert recipe(pruned="freeze").outputs == ("ticket", "model", "mask")
    assert recipe(pruned="zero").outputs == recipe().outputs == ("ticket", "model", "mask", "sparse")
    assert recipe(pruned="freeze", outputs=["sparse"]).outputs == ("sparse",)


@pytest.mark.parametrize("field", ["criterion", "scope", "kept", "pruned"])
def test_the_schema_says_of_every_word_what_it_is_and_which_page_says_more(field: str) -> None:
    described = Iterative.model_json_schema()["properties"][field]
    assert set(described["x-words"]) == set(described["enum"])
    page = (Path(__file__).parents[3] / described["x-page"]).read_text()
    assert [word for word in described["enum"] if f"`{word}`" not in page] == []


def test_a_rewind_is_a_step_or_a_word() -> None:
    assert recipe(rewind="2ep").rewind == Step("2ep")
    assert recipe(rewind="lr").rewind == "lr"


def test_a_recipe_cannot_be_changed_after_it_was_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        recipe().seed = 3  # type: ignore[misc]


@pytest.mark.parametrize(("replicates", "most"), [(2, 5), (5, 5), (6, 5)])
def test_replicates_that_grow_begin_with_three_or_more_and_grow(replicates: int, most: int) -> None:
    with pytest.raises(ValidationError, match="below max_replicates"):
        Evidence(replicates=replicates, max_replicates=most)


def test_looks_are_every_number_of_replicates_from_the_first_to_the_last() -> None:
    assert Evidence(replicates=3, max_replicates=6).looks == (3, 4, 5, 6)
    assert Evidence(replicates=4).looks == (4,)


@given(st.lists(st.integers(1, 60), min_size=1, unique=True))
def test_levels_of_evidence_are_one_recipe_in_whatever_order_they_come(levels: list[int]) -> None:
    found = Evidence.model_validate({"levels": levels})
    assert found.levels == tuple(sorted(levels))
    assert Evidence.model_validate_json(found.model_dump_json()) == found


@given(st.lists(st.integers(1, 12), min_size=1, unique=True), st.integers(0, 12))
def test_listed_levels_are_judged_and_the_delivered_one_whatever_is_listed(levels: list[int], last: int) -> None:
    pruned = range(1, last + 1)
    judged = Evidence.model_validate({"levels": levels}).judged(pruned)
    assert judged == tuple(level for level in pruned if level in {*levels, last})
    assert Evidence(levels="delivered").judged(pruned) == tuple(pruned)[-1:]
    assert Evidence(levels="all").judged(pruned) == tuple(pruned)
    assert Evidence.model_validate({"levels": levels, "replicates": 0}).judged(pruned) == ()


@pytest.mark.parametrize("levels", [[], [3, 3], [0], [-1], ["first"], "last", 3])
def test_levels_that_are_none_or_come_twice_are_refused(levels: Any) -> None:
    with pytest.raises(ValidationError, match="levels"):
        Evidence.model_validate({"levels": levels})

"""ticketing.ladder.level_length: where a level ends, what is refused, and what a short one means for the schedule."""

from typing import Any

import pytest

from ticketing.errors import RecipeError
from ticketing.ladder.level_length import LevelLength, delivers_finalist, level_length, warnings_of_length
from ticketing.recipe import Iterative


def recipe(**fields: Any) -> Iterative:
    asked = {"search": "iterative", "levels": 2, "training": {"length": "10ep"}}
    return Iterative.model_validate(asked | fields)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, LevelLength(90, None)),
        ({"level_length": "full"}, LevelLength(90, None)),
        ({"level_length": "early_stop"}, LevelLength(90, 5)),
        ({"level_length": "early_stop", "early_stop_patience": 3}, LevelLength(90, 3)),
        ({"level_length": "40it"}, LevelLength(40, None)),
        ({"level_length": "2ep"}, LevelLength(18, None)),
    ],
)
def test_a_level_ends_where_the_recipe_says(asked: dict[str, Any], expected: LevelLength) -> None:
    assert level_length(recipe(**asked), 9) == expected


def test_a_level_longer_than_a_finalist_is_refused() -> None:
    with pytest.raises(RecipeError, match="at most update 90"):
        level_length(recipe(level_length="91it"), 9)


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"level_length": "11ep"}, "at most training.length"),
        ({"level_length": "0it"}, "above 0"),
        ({"level_length": "5ep", "rewind": "5ep"}, "before level_length"),
        ({"early_stop_patience": 0}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_is_refused_with_the_recipe(asked: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        recipe(**asked)


def test_weights_are_a_finalists_only_where_levels_are_short_and_there_is_one() -> None:
    asked = [{}, {"level_length": "1ep"}, {"level_length": "1ep", "evidence": "none"}]
    assert [delivers_finalist(recipe(**fields)) for fields in asked] == [False, True, False]


def test_a_drop_of_the_rate_that_no_level_reaches_is_warned_of() -> None:
    training = {"length": "10ep", "schedule": {"name": "milestones", "at": ["10it", "30it"]}}
    said = dict(warnings_of_length(recipe(level_length="30it", training=training), 9))
    assert set(said) == {"schedule_cut_short"}
    assert "30it" in said["schedule_cut_short"]
    assert "10it" not in said["schedule_cut_short"]
    assert warnings_of_length(recipe(training=training), 9) == []

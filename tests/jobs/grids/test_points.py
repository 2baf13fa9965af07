"""jobs.grids.points: every combination once and in order, each a recipe as it could have been sent alone."""

from itertools import product
from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.grids.points import MAX_POINTS, axis_pointer, fields_of, points_of, recipe_at
from ticketing.errors import RecipeError, RequestError

FIELDS = st.text("abc/~", min_size=1, max_size=4)


def pointer(fields: list[str]) -> str:
    return "".join(f"/{field.replace('~', '~0').replace('/', '~1')}" for field in fields)


@given(
    st.dictionaries(
        st.sampled_from(["/seed", "/levels", "/rate/conv"]), st.sets(st.integers(), min_size=1, max_size=5), min_size=1
    )
)
def test_a_grid_is_every_combination_exactly_once(axes: dict[str, set[int]]) -> None:
    points = points_of({axis: sorted(values) for axis, values in axes.items()})
    assert len(points) == prod(len(values) for values in axes.values())
    assert [tuple(point.values()) for point in points] == list(product(*(sorted(values) for values in axes.values())))


def test_the_last_axis_changes_fastest() -> None:
    points = points_of({"/seed": [0, 1], "/levels": [3, 4]})
    assert [list(point.values()) for point in points] == [[0, 3], [0, 4], [1, 3], [1, 4]]


@given(st.lists(FIELDS, min_size=1, max_size=4))
def test_a_pointer_names_its_fields_whatever_is_in_them(fields: list[str]) -> None:
    assert fields_of(pointer(fields)) == fields


@given(st.lists(FIELDS, min_size=1, max_size=3), st.integers())
def test_a_point_sets_its_field_and_changes_nothing_else(fields: list[str], value: int) -> None:
    recipe = {"search": "iterative", "training": {"batch_size": 64}}
    made: Any = recipe_at(recipe, {pointer(fields): value})
    for field in fields:
        made = made[field]
    assert made == value
    assert recipe == {"search": "iterative", "training": {"batch_size": 64}}


def test_a_part_is_made_where_there_is_none_and_kept_where_there_is() -> None:
    made = recipe_at({"training": {"batch_size": 64}}, {"/training/length": "2ep", "/target/sparsity": 0.9})
    assert made == {"training": {"batch_size": 64, "length": "2ep"}, "target": {"sparsity": 0.9}}


def test_a_word_or_a_number_that_stands_for_a_part_becomes_that_part() -> None:
    made = recipe_at({"evidence": "standard", "rate": 0.3}, {"/evidence/controls": [], "/rate/conv": 0.1})
    assert made["evidence"] == {"replicates": 3, "controls": [], "levels": "delivered"}
    assert made["rate"] == {"default": 0.3, "conv": 0.1}


def test_points_share_nothing_that_one_of_them_could_change() -> None:
    recipe = {"evidence": "standard"}
    first, second = (recipe_at(recipe, {"/evidence/replicates": n}) for n in (1, 2))
    first["evidence"]["controls"].append("x")
    assert second["evidence"]["controls"] == ["reinit", "shuffle"]


def test_a_pointer_through_something_without_fields_is_refused() -> None:
    with pytest.raises(RecipeError, match="expected an object at /seed, got '0'") as caught:
        recipe_at({"seed": 0}, {"/seed/x": 1})
    assert caught.value.faults[0].pointer == "/recipe/seed/x"


@pytest.mark.parametrize(
    ("axes", "at", "code"),
    [
        ({}, "/grid", "axes"),
        ({f"/a{i}": [1] for i in range(9)}, "/grid", "axes"),
        ({"seed": [0]}, "/grid/seed", "not_a_pointer"),
        ({"/": [0]}, "/grid/~1", "not_a_pointer"),
        ({"": [0]}, "/grid/", "not_a_pointer"),
        ({"/training": [{}], "/training/length": ["1ep"]}, "/grid/~1training~1length", "axis_inside_another"),
        ({"/seed": []}, "/grid/~1seed", "no_values"),
        ({"/seed": [0, 1, 0]}, "/grid/~1seed/2", "value_twice"),
        ({"/seed": list(range(1001))}, "/grid", "too_many_points"),
        ({"/seed": list(range(40)), "/levels": list(range(26))}, "/grid", "too_many_points"),
    ],
)
def test_axes_that_make_no_grid_are_refused_where_they_stand(axes: dict[str, list[Any]], at: str, code: str) -> None:
    with pytest.raises(RequestError) as caught:
        points_of(axes)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [(at, code)]


def test_as_many_points_as_are_allowed_are_accepted() -> None:
    assert len(points_of({"/seed": list(range(MAX_POINTS))})) == MAX_POINTS


def test_one_and_true_are_two_values() -> None:
    assert len(points_of({"/training/deterministic": [True, 1]})) == 2


def test_an_axis_is_one_field_of_the_body_whatever_is_in_it() -> None:
    assert axis_pointer("/target/sparsity", 1) == "/grid/~1target~1sparsity/1"
    assert fields_of(axis_pointer("/a~1b")) == ["grid", "/a~1b"]

"""jobs.grids.blaming: what is wrong is told of the value that brings it about, once."""

from jobs.grids.blaming import blame
from jobs.grids.points import points_of
from ticketing.errors import Fault

AXES = {"/seed": [0, 1], "/target/sparsity": [0.5, 0.9, 1.5]}
POINTS = points_of(AXES)


def pointers(refused: dict[int, list[Fault]]) -> list[str]:
    return [fault.pointer for fault in blame(refused, axes=AXES, points=POINTS)]


def at(sparsity: float) -> list[int]:
    return [index for index, point in enumerate(POINTS) if point["/target/sparsity"] == sparsity]


def test_a_fault_in_a_field_an_axis_sets_is_that_values_once() -> None:
    fault = Fault("/recipe/target/sparsity", "less_than", "expected less than 1, got 1.5")
    assert pointers({index: [fault] for index in at(1.5)}) == ["/grid/~1target~1sparsity/2"]


def test_a_fault_in_a_part_around_the_field_is_the_values_too() -> None:
    fault = Fault("/recipe/target", "invalid_value", "expected something else")
    assert pointers({index: [fault] for index in at(0.9)}) == ["/grid/~1target~1sparsity/1"]


def test_a_field_there_is_not_is_the_axis_itself_and_told_once() -> None:
    fault = Fault("/recipe/seed", "unknown_field", "no such field: 'seed'")
    assert pointers({index: [fault] for index in range(len(POINTS))}) == ["/grid/~1seed"]


def test_a_fault_of_every_point_is_the_recipes_own() -> None:
    fault = Fault("/recipe/levels", "int_type", "expected a number")
    assert pointers({index: [fault] for index in range(len(POINTS))}) == ["/recipe/levels"]


def test_a_fault_elsewhere_that_all_points_of_a_value_have_is_that_values() -> None:
    fault = Fault("/recipe/rate", "target_out_of_reach", "expected a sparsity within reach")
    assert pointers({index: [fault] for index in at(0.9)}) == ["/grid/~1target~1sparsity/1"]


def test_a_fault_of_one_combination_names_it() -> None:
    fault = Fault("/recipe/rate", "target_out_of_reach", "expected a sparsity within reach")
    (told,) = blame({1: [fault]}, axes=AXES, points=POINTS)
    assert told.pointer == "/grid"
    assert told.detail == "expected a sparsity within reach (at seed 0, sparsity 0.9)"


def test_one_is_not_true() -> None:
    axes = {"/training/deterministic": [True, 1]}
    fault = Fault("/recipe/training/deterministic", "bool_type", "expected a boolean")
    told = blame({1: [fault]}, axes=axes, points=points_of(axes))
    assert [fault.pointer for fault in told] == ["/grid/~1training~1deterministic/1"]

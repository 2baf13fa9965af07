"""From axes to points: which recipes a grid asks for; pure, knows no model, no job and no database."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from ticketing.errors import Fault, RecipeError, RequestError
from ticketing.recipe import EVIDENCE_WORDS

MAX_POINTS = 1000
MAX_AXES = 8

Axes = Mapping[str, Sequence[Any]]
"""JSON pointer into the recipe -> the values it takes."""
Point = Mapping[str, Any]
"""JSON pointer into the recipe -> the one value it has here."""


@dataclass(frozen=True)
class PreparedPoint:
    """One point of a grid whose recipe can be done, as far as can be known now."""

    point: Point
    recipe: Mapping[str, Any]
    """As it would have been sent for this point alone."""
    resolved_recipe: Mapping[str, Any]
    """Every default filled, the seed fixed."""
    plan: Mapping[str, Any] | None
    """None while an input is being inspected."""


def points_of(axes: Axes) -> list[Point]:
    """List every combination of the axes' values, the last axis changing fastest.

    Raises:
        RequestError: The axes make no grid, or too large a one.
    """
    faults = list(_faults_of(axes))
    if faults:
        raise RequestError("; ".join(fault.detail for fault in faults), faults)
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def recipe_at(recipe: Mapping[str, Any], point: Point) -> dict[str, Any]:
    """Write a point's values into a copy of the recipe.

    Parts that are not there yet are made; a word or a number that stands for a part is written as that part first.

    Raises:
        RecipeError: A pointer leads through something that has no fields.
    """
    made: dict[str, Any] = json.loads(json.dumps(recipe))
    for pointer, value in point.items():
        *way, last = fields_of(pointer)
        at = made
        for depth, field in enumerate(way):
            below = _as_part(field, at.get(field)) if depth == 0 else at.get(field)
            if below is None:
                below = {}
            if not isinstance(below, dict):
                detail = f"expected an object at /{'/'.join(way[: depth + 1])}, got {str(below)[:40]!r}"
                raise RecipeError(detail, [Fault(f"/recipe{pointer}", "no_such_part", detail)])
            at[field] = below
            at = below
        at[last] = value
    return made


def fields_of(pointer: str) -> list[str]:
    """Split a JSON pointer (RFC 6901) into the names of its fields."""
    return [field.replace("~1", "/").replace("~0", "~") for field in pointer.split("/")[1:]]


def axis_pointer(axis: str, index: int | None = None) -> str:
    """Point at an axis of the request's body, or at one of its values."""
    escaped = axis.replace("~", "~0").replace("/", "~1")
    return f"/grid/{escaped}" if index is None else f"/grid/{escaped}/{index}"


def _as_part(field: str, value: Any) -> Any:
    """Write evidence given as a word, or a rate given as a number, as the part it stands for."""
    if field == "evidence" and isinstance(value, str):
        return json.loads(json.dumps(EVIDENCE_WORDS.get(value, value)))
    if field == "rate" and isinstance(value, int | float) and not isinstance(value, bool):
        return {"default": value}
    return value


def _faults_of(axes: Axes) -> list[Fault]:
    if not 1 <= len(axes) <= MAX_AXES:
        return [Fault("/grid", "axes", f"expected 1 to {MAX_AXES} axes, got {len(axes)}")]
    faults = [fault for axis, values in axes.items() for fault in _faults_of_axis(axis, values, axes)]
    count = prod(len(values) for values in axes.values())
    if not faults and count > MAX_POINTS:
        faults.append(Fault("/grid", "too_many_points", f"expected at most {MAX_POINTS} points, got {count}"))
    return faults


def _faults_of_axis(axis: str, values: Sequence[Any], axes: Axes) -> list[Fault]:
    def fault(code: str, detail: str, index: int | None = None) -> list[Fault]:
        return [Fault(axis_pointer(axis, index), code, detail)]

    if not axis.startswith("/") or "" in fields_of(axis):
        return fault("not_a_pointer", f"expected a JSON pointer into the recipe, e.g. /seed, got {axis[:80]!r}")
    inside = [other for other in axes if other != axis and axis.startswith(other + "/")]
    if inside:
        return fault("axis_inside_another", f"expected axes apart from each other, got {axis[:80]} inside {inside[0]}")
    if not values:
        return fault("no_values", f"expected at least one value for {axis[:80]}, got none")
    written = [json.dumps(value, sort_keys=True) for value in values]
    twice = next((index for index, text in enumerate(written) if text in written[:index]), None)
    if twice is not None:
        return fault("value_twice", f"expected each value once, got {written[twice][:40]} again", twice)
    return []

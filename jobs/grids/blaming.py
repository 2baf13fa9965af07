"""Which value of which axis is to blame when points of a grid cannot be done; pure, judges no recipe."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from jobs.grids.points import Axes, Point, axis_pointer
from ticketing.errors import Fault
from ticketing.report.grid_words import point_of

WHOLE_AXIS = ("unknown_field", "no_such_part")
"""Faults of the field an axis names, whatever its value."""


def blame(refused: Mapping[int, Sequence[Fault]], *, axes: Axes, points: Sequence[Point]) -> list[Fault]:
    """Point the faults of single points at the request that holds the whole grid, each once.

    A fault in a field that an axis sets is that axis's value's; one that every point has is the recipe's own; one that
    all points with some value have is that value's; what is left comes of a combination, which is named.

    Args:
        refused: Index of a point -> its faults, pointers into a job's body.
        axes: Of the grid.
        points: As `points_of` gives them.
    """
    met: dict[Fault, list[int]] = {}
    for index, faults in refused.items():
        for fault in faults:
            met.setdefault(fault, []).append(index)
    found: dict[tuple[str, str], Fault] = {}
    for fault, indices in met.items():
        for told in _told(fault, indices, axes, points):
            found.setdefault((told.pointer, told.code), told)
    return list(found.values())


def _told(fault: Fault, indices: Sequence[int], axes: Axes, points: Sequence[Point]) -> list[Fault]:
    set_here = [axis for axis in axes if _touch(f"/recipe{axis}", fault.pointer)]
    if set_here:
        return [
            replace(fault, pointer=pointer)
            for axis in set_here
            for pointer in dict.fromkeys(_place(fault, axis, axes, points[index]) for index in indices)
        ]
    if len(indices) == len(points):
        return [fault]
    guilty = [
        axis_pointer(axis, at)
        for axis, values in axes.items()
        for at, value in enumerate(values)
        if set(indices) >= {index for index, point in enumerate(points) if _same(point[axis], value)}
    ]
    if guilty:
        return [replace(fault, pointer=pointer) for pointer in guilty]
    return [replace(fault, pointer="/grid", detail=f"{fault.detail} (at {point_of(points[indices[0]])})")]


def _place(fault: Fault, axis: str, axes: Axes, point: Point) -> str:
    if fault.code in WHOLE_AXIS:
        return axis_pointer(axis)
    return axis_pointer(axis, next(at for at, value in enumerate(axes[axis]) if _same(value, point[axis])))


def _same(one: object, other: object) -> bool:
    """Say whether two values are the same in JSON, where 1 is not true."""
    return type(one) is type(other) and one == other


def _touch(axis: str, pointer: str) -> bool:
    """Say whether a fault lies in the field an axis sets, or in a part around it that is not the whole recipe."""
    around = pointer.count("/") > 1 and axis.startswith(f"{pointer}/")
    return axis == pointer or pointer.startswith(f"{axis}/") or around

"""Gathers the report of a grid from what its points found: every point, every axis, the best; draws and writes nothing.

Plain values in, plain JSON values out; accuracies are fractions, sparsity is the fraction removed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

GRID_REPORT_VERSION = 1
FIGURES = ("sparsity", "validation_accuracy", "accuracy", "accuracy_drop", "bytes")
"""Of a point's ticket; `accuracy` is on the test split."""

Point = Mapping[str, Any]


def grid_document(
    *,
    job: Mapping[str, Any],
    axes: Mapping[str, Sequence[Any]],
    points: Sequence[Point],
    gate: Mapping[str, Any] | None,
    model: str,
    dataset: str,
    recipe: Mapping[str, Any],
    pooled: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Gather the report of a grid whose points are all done.

    Args:
        job: `id`, `name` and `labels` of the grid.
        axes: JSON pointer into the recipe -> the values it took.
        points: One per job: `job`, `name`, `point`, `state`, `error`, `summary`, `best`, `gate`, `warnings`, `seconds`
            and `levels`, those of all its searches.
        gate: Of the whole grid.
        model: In words.
        dataset: In words.
        recipe: What all points share, as it was sent.
        pooled: What points that differ in their seed alone show together (`ticketing.report.pooled`).
    """
    rows = [_row(point) for point in points]
    best = best_of(rows)
    return {
        "report_version": GRID_REPORT_VERSION,
        "kind": "grid",
        "job": dict(job),
        "model": model,
        "dataset": dataset,
        "recipe": dict(recipe),
        "axes": [{"pointer": pointer, "values": list(values)} for pointer, values in axes.items()],
        "counts": {"total": len(rows)} | {s: _count(rows, s) for s in ("succeeded", "failed", "cancelled")},
        "best": best,
        "by_axis": [_axis(pointer, values, rows) for pointer, values in axes.items()],
        "gate": None if gate is None else dict(gate),
        "points": rows,
        "pooled": [dict(entry) for entry in pooled],
        "cost": _cost(points),
        "warnings": _warnings(points),
    }


def best_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Choose the point with the sparsest level within its tolerance of dense; among equals the more accurate.

    On validation alone, so that the test split stays unused by the choice; None when no point succeeded.
    """
    found = [row for row in rows if row["state"] == "succeeded" and row["best"]]
    if not found:
        return None
    first = max(found, key=lambda row: (row["best"]["sparsity"], row["best"]["value"]))
    return {**first["best"], "job": first["job"], "point": first["point"]}


def _row(point: Point) -> dict[str, Any]:
    summary = point["summary"] or {}
    keys = ("level", *FIGURES, "verdict", "n", "flops")
    return {
        "job": point["job"],
        "name": point["name"],
        "point": dict(point["point"]),
        "state": point["state"],
        "error": point["error"],
        **{key: summary.get(key) for key in keys},
        "best": point["best"],
        "gate": (point["gate"] or {}).get("outcome"),
        "seconds": round(point["seconds"], 3),
        "levels": _levels(point["levels"]),
    }


def _levels(levels: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Average the searches of one point level by level, as its best level is chosen; counts are of the first."""
    return [
        {key: row[key] for key in ("level", "sparsity", "kept", "total")}
        | {"validation_accuracy": spread(of["validation_accuracy"] for of in levels if of["level"] == row["level"])}
        for row in levels
        if row["replicate"] == 0
    ]


def _axis(pointer: str, values: Sequence[Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"pointer": pointer, "values": [_value(pointer, value, rows) for value in values]}


def _value(pointer: str, value: Any, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    mine = [row for row in rows if same(row["point"][pointer], value)]
    done = [row for row in mine if row["state"] == "succeeded"]
    best = best_of(done)
    return {
        "value": value,
        "points": len(mine),
        "succeeded": len(done),
        **{key: spread(row[key] for row in done) for key in FIGURES},
        "winning": sum(row["verdict"] == "winning" for row in done),
        "best": best and best["job"],
    }


def same(one: Any, other: Any) -> bool:
    """Say whether two values are the same in JSON, where 1 is not true."""
    return type(one) is type(other) and bool(one == other)


def spread(values: Iterable[float | None]) -> dict[str, Any] | None:
    """Sum values up as mean, least, most and n; None when there are none."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"mean": sum(known) / len(known), "min": min(known), "max": max(known), "n": len(known)}


def _count(rows: Sequence[Mapping[str, Any]], state: str) -> int:
    return sum(row["state"] == state for row in rows)


def _cost(points: Sequence[Point]) -> dict[str, Any]:
    flops = [(point["summary"] or {}).get("flops") for point in points]
    return {
        "flops_executed": sum(known for known in flops if known is not None),
        "device_seconds": round(sum(point["seconds"] for point in points), 3),
    }


def _warnings(points: Sequence[Point]) -> list[dict[str, Any]]:
    """Tell each warning once, with how many points have it; the failures first."""
    failed = [
        {"code": "child_failed", "detail": f"{point['name']}: {_reason(point['error'])}", "points": 1}
        for point in points
        if point["state"] == "failed"
    ]
    counted: dict[tuple[str, str], int] = {}
    for point in points:
        for warning in point["warnings"]:
            key = warning["code"], warning["detail"]
            counted[key] = counted.get(key, 0) + 1
    return failed + [{"code": code, "detail": detail, "points": n} for (code, detail), n in counted.items()]


def _reason(error: Mapping[str, Any] | None) -> str:
    known = error or {}
    return f"{known.get('code', 'failed')}, {str(known.get('detail', ''))[:300]}"

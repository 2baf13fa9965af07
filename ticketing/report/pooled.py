"""One certificate over the points of a grid that differ in their seed alone; opens no file, writes nothing.

Every job is judged by its own replicates; together they are more, and can show what none of them can alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ticketing.certificate.pooling import Answers, certify_pooled
from ticketing.certificate.verdict import certificate_json
from ticketing.errors import VerificationError

SEED = "/seed"
MOST_ANSWERS = 20_000_000
"""That are read for one grid, of all networks and replicates at the levels judged: three minutes of a core at the most,
and 0.3 GB (30 replicates of 83,000 examples)."""

Point = Mapping[str, Any]
Read = Callable[[Point, int, int], Answers]
"""(point, level, most answers) -> the answers of its certificate at that level and of the dense network."""
ReadWithin = Callable[[Point, int], Answers]


class _RefusedError(Exception):
    """Why points are not judged together."""


def pooled_certificates(axes: Mapping[str, Sequence[Any]], points: Sequence[Point], read: Read) -> list[dict[str, Any]]:
    """Judge together what differs in its seed alone: an entry for every combination of the other axes' values.

    Of a point that retrains one mask the first replicate alone counts, for its others share the mask. Nothing where no
    axis is the seed, or no evidence was asked for.

    Args:
        axes: JSON pointer into the recipe -> the values it took.
        points: As `ticketing.report.grid_document.grid_document` takes them, with `recipe`, resolved.
        read: Called at most once for every point.
    """
    if len(axes.get(SEED, ())) < 2:
        return []
    groups: dict[str, list[Point]] = {}
    for point in points:
        if ((point["recipe"] or {}).get("evidence") or {}).get("replicates"):
            groups.setdefault(repr(_others(point)), []).append(point)
    reading = _within(MOST_ANSWERS, read)
    return [_entry(group, reading) for group in groups.values()]


def _within(most: int, read: Read) -> ReadWithin:
    """Read no more than so many answers in all."""
    left = most

    def reading(point: Point, level: int) -> Answers:
        nonlocal left
        came = read(point, level, left)
        left -= sum(rows.size for rows in came.values())
        return came

    return reading


def _others(point: Point) -> dict[str, Any]:
    return {pointer: value for pointer, value in point["point"].items() if pointer != SEED}


def _entry(group: Sequence[Point], read: ReadWithin) -> dict[str, Any]:
    done = [point for point in group if point["state"] == "succeeded"]
    entry = {
        "point": _others(group[0]),
        "seeds": [point["point"][SEED] for point in group],
        "jobs": [point["job"] for point in done],
        "refused": None,
        "certificate": None,
    }
    try:
        return entry | _judged(done, read)
    except (_RefusedError, VerificationError, ValueError) as error:
        return entry | {"refused": str(error)}


def _judged(done: Sequence[Point], read: ReadWithin) -> dict[str, Any]:
    level = _common_level(done)
    evidence = done[0]["recipe"]["evidence"]
    retrained = evidence["replicates_of"] == "retrain"
    runs = [read(point, level) for point in done]
    if retrained:
        runs = [{name: rows[:1] for name, rows in run.items()} for run in runs]
    tolerance = evidence["tolerance"]
    best, last = (certify_pooled(runs, level=level, tolerance=tolerance, moment=of) for of in ("best", "last"))
    return {
        "level": level,
        "sparsity": done[0]["summary"]["sparsity"],
        "tolerance": tolerance,
        "resolution": best.resolution,
        "replicates_of": evidence["replicates_of"],
        # The first search of every job begins with the model's own weights, the others with a draw of their own.
        "initialisations": 1 if retrained else 1 + best.n - len(done),
        "certificate": certificate_json(best) | {"last_step": certificate_json(last)},
    }


def _common_level(done: Sequence[Point]) -> int:
    """Give the level that all points handed out.

    Raises:
        _RefusedError: They do not belong together.
    """
    if len(done) < 2:
        raise _RefusedError(f"two jobs or more have to succeed, {len(done)} did")
    if done[0]["recipe"]["evidence"].get("max_replicates"):
        raise _RefusedError("their certificates grew until they were decided, so that their number is no accident")
    if any(warning["code"] == "validation_from_test" for point in done for warning in point["warnings"]):
        raise _RefusedError("each took half of test for its validation, so that they were tested on other examples")
    levels = sorted({point["summary"]["level"] for point in done})
    if len(levels) > 1:
        raise _RefusedError(f"they handed out other levels: {', '.join(map(str, levels))}")
    if levels[0] == 0:
        raise _RefusedError("they handed out the dense network")
    return int(levels[0])

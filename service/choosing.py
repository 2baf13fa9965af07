"""Which level of a finished job a client means by a sparsity or an accuracy it can spare; arithmetic alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.problems import Problem
from ticketing.errors import Fault
from ticketing.ladder.schedule import kept_at

Rows = Sequence[Mapping[str, Any]]


def level_at_sparsity(rows: Rows, sparsity: float) -> int:
    """Give the first level at least this sparse, to the entry: counts are compared, since 1 - 4/5 is not quite 0.2.

    Raises:
        Problem: No level is.
    """
    found = [row for row in _of_first_search(rows) if row["kept"] <= kept_at(row["total"], sparsity)]
    if not found:
        most = max((row["sparsity"] for row in rows), default=0.0)
        raise _none("sparsity", f"expected at most {most:.6g}, the sparsest level there is, got {sparsity:g}")
    return min(int(row["level"]) for row in found)


def level_within_drop(rows: Rows, max_accuracy_drop: float) -> int:
    """Give the sparsest level whose validation accuracy is at most this far (a fraction) below the dense network's.

    Raises:
        Problem: There is no dense level to compare with.
    """
    mine = _of_first_search(rows)
    dense = next((row["validation_accuracy"] for row in mine if row["level"] == 0), None)
    if dense is None:
        raise _none("max_accuracy_drop", "expected a job whose dense level is known, and there is none")
    near = [row for row in mine if dense - row["validation_accuracy"] <= max_accuracy_drop]
    return max(int(row["level"]) for row in near)


def _of_first_search(rows: Rows) -> Rows:
    """Leave out the replicates: what is delivered is of the first search."""
    return [row for row in rows if row["replicate"] == 0]


def _none(parameter: str, detail: str) -> Problem:
    return Problem("invalid_request", detail, faults=[Fault(f"query:{parameter}", "no_such_level", detail)])

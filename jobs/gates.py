"""What a finished job must reach to be of use to whoever asked; pure arithmetic over its summary."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class _Gate:
    came_from: str
    """The key of the summary it looks at."""
    bound: Literal["at most", "at least"]


GATES: Mapping[str, _Gate] = {
    "max_accuracy_drop": _Gate("accuracy_drop", "at most"),  # dense minus ticket, validation, as a fraction
    "min_sparsity": _Gate("sparsity", "at least"),
    "max_bytes": _Gate("bytes", "at most"),  # of sparse.safetensors or slim.safetensors
    "max_latency_ms": _Gate("latency_ms", "at most"),  # p50 of one example at once, measured by the worker
}


def evaluate(gates: Mapping[str, float | None], summary: Mapping[str, Any]) -> dict[str, Any] | None:
    """Hold a finished job's summary against its gates.

    Gives `{"outcome": "passed" | "missed", "gates": [{"name", "bound", "expected", "came", "outcome"}]}` with one
    line per gate that was asked for, or None when none was. A figure that is absent or not finite misses its gate.
    """
    lines = [_line(name, bound, summary) for name, bound in gates.items() if bound is not None]
    if not lines:
        return None
    missed = any(line["outcome"] == "missed" for line in lines)
    return {"outcome": "missed" if missed else "passed", "gates": lines}


def pending(gates: Mapping[str, float | None]) -> dict[str, Any] | None:
    """Show the gates of a job that has not finished, in the shape of `evaluate`."""
    lines = [
        {"name": name, "bound": GATES[name].bound, "expected": bound, "came": None, "outcome": "pending"}
        for name, bound in gates.items()
        if bound is not None
    ]
    return {"outcome": "pending", "gates": lines} if lines else None


def _line(name: str, expected: float, summary: Mapping[str, Any]) -> dict[str, Any]:
    gate = GATES[name]
    came = summary.get(gate.came_from)
    if came is None or not math.isfinite(came):
        came, met = None, False
    else:
        met = came <= expected if gate.bound == "at most" else came >= expected
    outcome = "passed" if met else "missed"
    return {"name": name, "bound": gate.bound, "expected": expected, "came": came, "outcome": outcome}

"""Gathers the report of a sweep over widths from its journal: points, threshold, peak; draws and writes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from ticketing.journal.workbench import Bench
from ticketing.ladder.regime import INTERPOLATING_ERROR
from ticketing.plans.costs import training_flops
from ticketing.plans.widths import peak_of
from ticketing.recipe import CapacitySweep
from ticketing.searches.capacity_sweep import Figures, figures, network

REPORT_VERSION = 1
MEASURED = ("train_loss", "train_error", "test_loss", "test_error")


def capacity_document(
    bench: Bench[CapacitySweep], *, labels: Mapping[str, str], provenance: Mapping[str, Any]
) -> dict[str, Any]:
    """Gather the whole report as plain JSON values; errors are fractions, losses as the recipe's word defines them.

    Args:
        bench: Of the finished sweep.
        labels: Of the job.
        provenance: As `provenance.json` holds it.
    """
    recipe, planned = bench.recipe, bench.plan.as_json()
    points = [_point(bench, row) for row in planned["widths"]]
    return {
        "report_version": REPORT_VERSION,
        "job": dict(labels),
        "search": {"name": recipe.search, "widths": len(points), "repeats": recipe.repeats},
        "capacity": {
            "loss": recipe.loss,
            "reuse_weights": recipe.reuse_weights,
            "examples": planned["examples"],
            "classes": planned["classes"],
            "repeats": recipe.repeats,
            "interpolating_error": INTERPOLATING_ERROR,
            **conclusions(points, threshold=planned["threshold"]),
            "points": points,
        },
        "cost": _costs(bench, points),
        "provenance": dict(provenance),
        "recipe": recipe.model_dump(mode="json"),
        "dataset": {
            "name": bench.data.name,
            "fingerprint": bench.data.fingerprint,
            "shape": list(bench.data.shape),
            "classes": bench.data.classes,
            "train": len(bench.data.y_train),
            "validation": len(bench.data.y_validation),
            "test": len(bench.data.y_test),
        },
        "model": {"architecture": "mlp", "arguments": bench.subject.spec.arguments},
        "warnings": [dict(warning) for warning in planned["warnings"]],
    }


def conclusions(points: Sequence[Mapping[str, Any]], *, threshold: Mapping[str, float]) -> dict[str, Any]:
    """Read off the means: from which width on every network interpolates, and where the test curves peak."""
    interpolating = [point["train_error"]["mean"] <= INTERPOLATING_ERROR for point in points]
    since = next((i for i in range(len(points)) if all(interpolating[i:])), None)
    return {
        "threshold": dict(threshold),
        "interpolates_from": None if since is None else _place(points[since]),
        "test_loss_peak": _peak(points, "test_loss"),
        "test_error_peak": _peak(points, "test_error"),
    }


def _peak(points: Sequence[Mapping[str, Any]], measure: str) -> dict[str, Any] | None:
    found = peak_of([point[measure]["mean"] for point in points])
    if found is None:
        return None
    index, prominence = found
    return _place(points[index]) | {"value": points[index][measure]["mean"], "prominence": prominence}


def _place(point: Mapping[str, Any]) -> dict[str, Any]:
    return {name: point[name] for name in ("width", "parameters", "parameters_per_target")}


def _point(bench: Bench[CapacitySweep], row: Mapping[str, Any]) -> dict[str, Any]:
    found = [figures(bench, repeat, row["level"]) for repeat in range(bench.recipe.repeats)]
    return {**row, **{measure: _values(found, measure) for measure in MEASURED}} | {
        "seconds": [round(figure.seconds, 3) for figure in found]
    }


def _values(found: Sequence[Figures], measure: str) -> dict[str, Any]:
    values = [getattr(figure, measure) for figure in found]
    return {"mean": sum(values) / len(values), "values": values, "n": len(values)}


def _costs(bench: Bench[CapacitySweep], points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    updates, batch = bench.plan.steps_per_training, min(bench.recipe.training.batch_size, len(bench.data.y_train))
    flops = sum(
        training_flops(network(bench, point["width"])[0], None, updates=updates, batch_size=batch).executed
        for point in points
    )
    trainings = len(points) * bench.recipe.repeats
    return {
        "trainings": trainings,
        "updates": trainings * updates,
        "samples": trainings * updates * batch,
        "seconds": round(sum(sum(point["seconds"]) for point in points), 3),
        "flops_executed": bench.recipe.repeats * flops,
    }

"""Gathers `report.json` from what a run left: levels, certificate, invariants, cost; draws and writes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from ticketing.analysis.probing import probed
from ticketing.evidence.judgement import Judge, certificate_of
from ticketing.export.costs import costs
from ticketing.export.levels import curves, level_rows, regime_of
from ticketing.export.way import budget_of, connectivity_of, gradual_of, target_of
from ticketing.journal.findings import Findings
from ticketing.journal.walk import searches_made
from ticketing.journal.workbench import Bench, Workbench
from ticketing.training.rewinding import settled

REPORT_VERSION = 1


def document(
    bench: Workbench,
    found: Findings,
    *,
    judge: Judge,
    judged: Sequence[int],
    delivered: Mapping[str, Any],
    best: Mapping[str, Any],
    labels: Mapping[str, str],
    provenance: Mapping[str, Any],
    warnings: Sequence[Mapping[str, str]],
    sizes: Mapping[str, Any],
) -> dict[str, Any]:
    """Gather the whole report as plain JSON values; accuracies are fractions, sparsity is the fraction removed.

    Args:
        bench: Of the finished run.
        found: What its searches found.
        judge: Reads its evidence.
        judged: Pruned levels that were taken to the test split.
        delivered: The delivered ticket: level, accuracies, digests.
        best: The sparsest level within tolerance on validation.
        labels: Of the job.
        provenance: As `provenance.json` holds it.
        warnings: What a reader must know, as {code, detail}.
        sizes: Bytes of the files.
    """
    level, recipe = delivered["level"], bench.recipe
    return {
        "report_version": REPORT_VERSION,
        "job": dict(labels),
        "search": {
            "name": recipe.search,
            "levels": level,
            "searches": searches_made(bench),
            "rewind": str(settled(recipe, bench.journal.facts).rewind),
            "delivered_level": level,
            "test_accuracy": delivered["test"]["accuracy"],
            "delivered": dict(delivered),
            "best": dict(best),
            "target": target_of(bench),
            "connectivity": connectivity_of(bench),
            "gradual": gradual_of(bench, delivered),
            "budget": budget_of(bench, costs(bench, found, judged=(), replicate=0)),
        },
        "levels": level_rows(bench, found, judge=judge, judged=judged, delivered=level),
        "certificate": certificate_of(judge, level) if judged else None,
        "regime": regime_of(bench, found, delivered=level),
        "ntk": probed(bench),
        "invariants": bench.invariants.as_json(),
        "cost": costs(bench, found, judged=judged),
        "sizes": dict(sizes),
        "provenance": dict(provenance),
        "recipe": recipe.model_dump(mode="json"),
        "dataset": dataset_of(bench),
        "model": model_of(bench),
        "warnings": [dict(warning) for warning in warnings],
        "curves": curves(bench, delivered=level),
    }


def dataset_of(bench: Bench[Any]) -> dict[str, Any]:
    """Say what was learnt from."""
    return {
        "name": bench.data.name,
        "fingerprint": bench.data.fingerprint,
        "task": bench.subject.inventory.task,
        "shape": list(bench.data.shape),
        "classes": bench.data.classes,
        "train": len(bench.data.y_train),
        "validation": len(bench.data.y_validation),
        "test": len(bench.data.y_test),
        "predictions_per_example": bench.subject.inventory.predictions,
        "labels_changed": bench.data.labels_changed,
    }


def model_of(bench: Bench[Any]) -> dict[str, Any]:
    """Say which network was searched."""
    spec, listed = bench.subject.spec, bench.subject.inventory
    return {
        "architecture": spec.architecture,
        "arguments": spec.arguments,
        "uploaded": bench.subject.uploaded,
        "weights": bench.subject.weights,
        "seed": spec.seed,
        "sha256": spec.sha256,
        "parameters": listed.parameters_total,
        "prunable": listed.prunable_total,
        "multiply_adds": listed.multiply_adds,
    }

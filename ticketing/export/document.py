"""Gathers `report.json` from what a run left: levels, certificate, invariants, cost; draws and writes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from ticketing.analysis.probing import probed
from ticketing.channels.slimming import kept_of
from ticketing.evidence.judgement import Judge, certificate_of
from ticketing.export.costs import costs
from ticketing.export.levels import curves, level_rows, regime_of
from ticketing.export.slim_target import slim_target_of
from ticketing.export.ticket_files import size_of
from ticketing.export.way import budget_of, connectivity_of, gradual_of, target_of
from ticketing.journal.findings import Findings, Masks
from ticketing.journal.structure import WIDTHS, kept_in
from ticketing.journal.walk import searches_made
from ticketing.journal.workbench import Bench, Workbench
from ticketing.plans.plan import Plan
from ticketing.training.rewinding import settled

REPORT_VERSION = 1


def document(bench: Workbench, found: Findings, *, best: Mapping[str, Any], **told: Any) -> dict[str, Any]:
    """Gather the whole report of an iterative search as plain JSON values.

    Args:
        bench: Of the finished run.
        found: What its searches found.
        best: The sparsest level within tolerance on validation.
        told: As `document_of_ticket` takes it.
    """
    fit = {"regime": regime_of(bench, found, delivered=told["delivered"]["level"]), "ntk": probed(bench)}
    rewind = str(settled(bench.recipe, bench.journal.facts).rewind)
    report = document_of_ticket(bench, found, rewind=rewind, fit=fit, **told)
    delivered = kept_in(bench, found.mask(0, report["search"]["delivered_level"]))
    of_slim = slim_target_of(
        bench.recipe.target,
        bench.journal.facts.get(WIDTHS, {}),
        multiply_adds=size_of(bench, delivered)["multiply_adds"],
        gain=report["gain"],
    )
    report["search"] |= {
        "best": dict(best),
        "target": target_of(bench) or of_slim,
        "connectivity": connectivity_of(bench),
        "gradual": gradual_of(bench, report["search"]["delivered"]),
        "budget": budget_of(bench, costs(bench, found, judged=(), replicate=0)),
    }
    if isinstance(bench.plan, Plan) and bench.plan.channels is not None:
        report["channels"] = {of: bench.plan.channels[of] for of in ("sets", "stays")}
        report["levels"] = [row | _narrowed(bench, found, row["level"]) for row in report["levels"]]
    return report


def _narrowed(bench: Workbench, found: Findings, level: int) -> dict[str, Any]:
    """Say how wide the first search's network is at a level: channels, parameters, multiply-adds."""
    kept = kept_of(bench.channels, found.mask(0, level))
    left, total = int(kept.sum()), len(kept)
    channels = {"sparsity": (total - left) / total, "kept": left, "total": total}
    return {"channels": channels} | size_of(bench, kept)


def document_of_ticket(
    bench: Bench[Any],
    found: Masks,
    *,
    rewind: str,
    fit: Mapping[str, Any],
    judge: Judge,
    judged: Sequence[int],
    delivered: Mapping[str, Any],
    labels: Mapping[str, str],
    provenance: Mapping[str, Any],
    warnings: Sequence[Mapping[str, str]],
    sizes: Mapping[str, int],
    gain: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Gather what the report of every search that ends in a ticket says; accuracies are fractions, sparsity is the
    fraction removed.

    Args:
        bench: Of the finished run.
        found: What its searches found.
        rewind: What the ticket restarts from, in the recipe's word.
        fit: What is known of how far the levels can fit their train split: parts of the report by name.
        judge: Reads its evidence.
        judged: Pruned levels that were taken to the test split.
        delivered: The delivered ticket: level, accuracies, digests.
        labels: Of the job.
        provenance: As `provenance.json` holds it.
        warnings: What a reader must know, as {code, detail}.
        sizes: Bytes of the files.
        gain: What the ticket gains where it runs, as `ticketing.gain` measures it; None where it was not measured.
    """
    level = delivered["level"]
    return {
        "report_version": REPORT_VERSION,
        "job": dict(labels),
        "search": {
            "name": bench.recipe.search,
            "levels": level,
            "searches": searches_made(bench),
            "rewind": rewind,
            "delivered_level": level,
            "test_accuracy": delivered["test"]["accuracy"],
            "delivered": dict(delivered),
        },
        "levels": level_rows(bench, found, judge=judge, judged=judged, delivered=level),
        "certificate": certificate_of(judge, level) if judged else None,
        **fit,
        "invariants": bench.invariants.as_json(),
        "cost": costs(bench, found, judged=judged),
        "sizes": dict(sizes),
        "gain": gain and dict(gain),
        "provenance": dict(provenance),
        "recipe": bench.recipe.model_dump(mode="json"),
        "dataset": _dataset(bench),
        "model": _model(bench),
        "warnings": [dict(warning) for warning in warnings],
        "curves": curves(bench, delivered=level),
    }


def _dataset(bench: Bench[Any]) -> dict[str, Any]:
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


def _model(bench: Bench[Any]) -> dict[str, Any]:
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

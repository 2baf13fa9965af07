"""Gathers `report.json` from what a run left: levels, certificate, invariants, cost; draws and writes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from ticketing.analysis.probing import probed
from ticketing.evidence.judgement import Judge, certificate_of
from ticketing.evidence.trainings import all_trainings, search_of
from ticketing.export.levels import curves, level_rows, regime_of
from ticketing.export.way import budget_of, connectivity_of, gradual_of, reused, target_of
from ticketing.journal.findings import Findings
from ticketing.journal.results import Result
from ticketing.journal.walk import searches_made
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.plans.costs import Flops, training_flops
from ticketing.plans.narrowing import narrowed, parameters_with
from ticketing.plans.start import recipe_of_level
from ticketing.pruning.gradual import gradual_flops
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
        "dataset": {
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
        },
        "model": {
            "architecture": bench.subject.spec.architecture,
            "arguments": bench.subject.spec.arguments,
            "uploaded": bench.subject.uploaded,
            "weights": bench.subject.weights,
            "seed": bench.subject.spec.seed,
            "sha256": bench.subject.spec.sha256,
            "parameters": bench.subject.inventory.parameters_total,
            "prunable": bench.subject.inventory.prunable_total,
            "multiply_adds": bench.subject.inventory.multiply_adds,
        },
        "warnings": [dict(warning) for warning in warnings],
        "curves": curves(bench, delivered=level),
    }


def costs(bench: Workbench, found: Findings, *, judged: Sequence[int], replicate: int | None = None) -> dict[str, Any]:
    """Add up the work of the search and, apart from it, of the certificate; one update counts three forwards.

    `flops_executed` is of the dense kernels that really ran, the axis on which searches are compared. What a fork took
    over from its parent is in neither, and stands beside them. With `replicate` of that search alone.
    """
    head = "search/" if replicate is None else f"search/{replicate}/"
    searched = [Where.of_piece(piece) for piece in bench.journal.facts if piece.startswith(head)]
    search = [where for where in searched if not bench.inherited(where)]
    inherited = [w for w in searched if bench.inherited(w)]
    certified = all_trainings(bench, judged)
    certificate = [where for where in certified if not bench.reused(where)]
    return {
        **{f"search_{name}": value for name, value in _work(bench, [bench.result(w) for w in search]).items()},
        **{
            f"certificate_{name}": value for name, value in _work(bench, [bench.result(w) for w in certificate]).items()
        },
        "flops_executed": (flops := _flops(bench, found, search)).executed,
        "flops_nonzero": flops.nonzero,
        "certificate_flops": sum(_executed(bench, found, where) for where in certificate),
        **reused(bench, certified),
        **(_taken_over(bench, found, inherited) if bench.start else {}),
    }


def _taken_over(bench: Workbench, found: Findings, inherited: Sequence[Where]) -> dict[str, Any]:
    """Add up what the levels cost that a fork took over: this run did not do it, but somebody did."""
    flops = Flops(0, 0)
    for where in inherited:
        recipe = recipe_of_level(where.level, bench.recipe, bench.start)
        flops += training_flops(
            bench.subject.inventory,
            found.carrying(where.replicate, where.level).counts(),
            updates=bench.result(where).updates,
            batch_size=min(recipe.training.batch_size, len(bench.data.y_train)),
            multiply_adds=bench.result(where).multiply_adds,
        )
    results = [bench.result(where) for where in inherited]
    return {
        "inherited_trainings": len(inherited),
        "inherited_updates": sum(result.updates for result in results),
        "inherited_seconds": round(sum(result.seconds for result in results), 3),
        "inherited_flops": flops.executed,
    }


def _executed(bench: Workbench, found: Findings, where: Where) -> int:
    """Count the operations of a certificate training, of the kernels that ran."""
    listed = bench.subject.inventory
    if where.branch == "small_dense":
        kept = found.mask(search_of(bench, where.replicate), where.level).kept_count
        listed = narrowed(listed, parameters_with(listed, kept))
    result = bench.result(where)
    return training_flops(
        listed, None, updates=result.updates, batch_size=_batch(bench), multiply_adds=result.multiply_adds
    ).executed


def _work(bench: Workbench, done: Sequence[Result]) -> dict[str, Any]:
    updates = sum(result.updates for result in done)
    return {
        "trainings": len(done),
        "updates": updates,
        "samples": updates * _batch(bench),
        "seconds": round(sum(result.seconds for result in done), 3),
    }


def _flops(bench: Workbench, found: Findings, searched: Sequence[Where]) -> Flops:
    flops = Flops(0, 0)
    for where in searched:
        result = bench.result(where)
        if where.level and bench.recipe.schedule_of_pruning == "gradual":
            flops += gradual_flops(bench, where.replicate, result, batch_size=_batch(bench))
            continue
        flops += training_flops(
            bench.subject.inventory,
            found.carrying(where.replicate, where.level).counts(),
            updates=result.updates,
            batch_size=_batch(bench),
            multiply_adds=result.multiply_adds,
        )
    return flops


def _batch(bench: Workbench) -> int:
    return min(bench.recipe.training.batch_size, len(bench.data.y_train))

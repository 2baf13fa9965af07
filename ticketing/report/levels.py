"""The report's rows and curves: one row per level of the ladder, with what was found on which split."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from jaxtyping import Bool
from torch import Tensor

from ticketing.findings import Findings
from ticketing.judgement import Judge
from ticketing.paths import effective_counts, varying_inputs
from ticketing.results import curve_of, first_step_at
from ticketing.start import searches_of
from ticketing.walk import walk_of
from ticketing.where import Where
from ticketing.workbench import Workbench


def level_rows(
    bench: Workbench, found: Findings, *, judge: Judge, judged: Sequence[int], delivered: int
) -> list[dict[str, Any]]:
    """Make the rows, level 0 first. `validation` is of the search that is delivered; `replicates` lists them all."""
    varying, walk = varying_inputs(bench.data.x_train), walk_of(bench)
    return [
        _entries(bench, found, level, varying)
        | _figures(bench, level, judge=judge, judged=judged, delivered=delivered)
        | {"inherited": bench.inherited(Where.of_search(0, level)), "beyond_target": level in walk.beyond}
        for level in walk.levels
    ]


def _entries(bench: Workbench, found: Findings, level: int, varying: Bool[Tensor, "..."]) -> dict[str, Any]:
    mask, carrying = found.mask(0, level), found.carrying(0, level)
    kept, effective = mask.counts(), effective_counts(bench.subject, mask, varying, carrying=carrying)
    return {
        "level": level,
        "kept": mask.kept_count,
        "total": mask.total,
        "sparsity": mask.sparsity,
        "density": mask.density,
        "effective_density": sum(effective.values()) / mask.total,
        "frozen": carrying.kept_count - mask.kept_count,
        "ineligible_kept": found.ineligible_kept(0, level),
        "layers": [
            {"name": name, "kept": kept[name], "effective": effective[name], "total": mask[name].numel()}
            for name in bench.subject.shapes
        ],
    }


def _figures(bench: Workbench, level: int, *, judge: Judge, judged: Sequence[int], delivered: int) -> dict[str, Any]:
    searches = walk_of(bench).searches_at(level, searches_of(bench.recipe.evidence))
    per_search = [_validation(bench, level, replicate) for replicate in range(searches)]
    row: dict[str, Any] = {
        "validation": per_search[0] | {"replicates": per_search},
        "test": dict.fromkeys(("ticket", "dense", *judge.evidence.controls)),
        "exploratory": level in judged and level != delivered,
        "verdict": None,
        "early_stop": None,
    }
    if judged and (level == 0 or level in judged):
        row["test"]["dense"] = judge.accuracies("dense", 0)
    if level in judged:
        row["verdict"] = judge.certificate(level).verdict
        row["early_stop"] = judge.early_stop(level)
        for branch in ("ticket", *judge.evidence.controls):
            row["test"][branch] = judge.accuracies(branch, level)
    return row


def _validation(bench: Workbench, level: int, replicate: int) -> dict[str, Any]:
    here = Where.of_search(replicate, level)
    result, dense = bench.result(here), bench.result(Where.of_search(replicate, 0))
    curve = curve_of(bench.journal.tensors[here.piece]["curve"])
    return {
        "accuracy": result.accuracy,
        "loss": result.loss,
        "early_stop_step": result.early_stop_step,
        "censored": result.censored,
        "steps_to_dense_best": first_step_at(curve, dense.loss),
    }


def curves(bench: Workbench, *, delivered: int) -> list[dict[str, Any]]:
    """List validation curves: the delivered search's levels, and every certificate training of the delivered level."""
    evidence = bench.recipe.evidence
    places = [Where.of_search(0, level) for level in walk_of(bench).levels]
    for replicate in range(evidence.replicates if delivered else 0):
        places.append(Where(replicate, "certificate", "dense", 0))
        places += [Where(replicate, "certificate", b, delivered) for b in ("ticket", *evidence.controls)]
    return [
        {
            **{key: value for key, value in asdict(where).items() if key != "step"},
            "columns": ["step", "validation_loss", "validation_accuracy"],
            "points": [
                [step, round(loss, 6), round(accuracy, 6)]
                for step, loss, accuracy in curve_of(bench.journal.tensors[where.piece]["curve"])
            ],
        }
        for where in places
    ]

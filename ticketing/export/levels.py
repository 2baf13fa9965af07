"""The report's rows and curves: one row per level of the ladder, with what was found on which split."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from jaxtyping import Bool
from torch import Tensor

from ticketing.analysis.paths import effective_counts, varying_inputs
from ticketing.evidence.judgement import Judge
from ticketing.evidence.trainings import all_trainings
from ticketing.export.ticket_files import size_of
from ticketing.journal.findings import Masks
from ticketing.journal.results import curve_of, first_step_at
from ticketing.journal.structure import kept_in
from ticketing.journal.walk import searches_made, walk_of
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench
from ticketing.ladder.regime import INTERPOLATING_ERROR, Regime, parameters_per_target, regimes
from ticketing.mask import Mask


def level_rows(
    bench: Bench[Any], found: Masks, *, judge: Judge, judged: Sequence[int], delivered: int
) -> list[dict[str, Any]]:
    """Make the rows, level 0 first. `validation` is of the search that is delivered; `replicates` lists them all."""
    varying, walk = varying_inputs(bench.data.x_train), walk_of(bench)
    named = _regimes(bench)
    return [
        _entries(bench, found, level, varying)
        | _figures(bench, level, judge=judge, judged=judged, delivered=delivered)
        | {"train": _train(bench, level), "regime": named[level]}
        | {"inherited": bench.inherited(Where.of_search(0, level)), "beyond_target": level in walk.beyond}
        for level in walk.levels
    ]


def _entries(bench: Bench[Any], found: Masks, level: int, varying: Bool[Tensor, "..."]) -> dict[str, Any]:
    mask, carrying = found.mask(0, level), found.carrying(0, level)
    kept, effective = mask.counts(), effective_counts(bench.subject, mask, varying, carrying=carrying)
    return {
        "level": level,
        "kept": mask.kept_count,
        "total": mask.total,
        "sparsity": mask.sparsity,
        "density": mask.density,
        "effective_density": None if effective is None else sum(effective.values()) / mask.total,
        "frozen": carrying.kept_count - mask.kept_count,
        "ineligible_kept": found.ineligible_kept(0, level),
        "layers": [
            {
                "name": name,
                "kept": kept[name],
                "effective": None if effective is None else effective[name],
                "total": mask[name].numel(),
            }
            for name in bench.subject.shapes
        ],
    }


def _figures(bench: Bench[Any], level: int, *, judge: Judge, judged: Sequence[int], delivered: int) -> dict[str, Any]:
    per_search = [_validation(bench, level, replicate) for replicate in range(_searches_at(bench, level))]
    row: dict[str, Any] = {
        "validation": per_search[0] | {"replicates": per_search},
        "test": dict.fromkeys(("ticket", "dense", *judge.evidence.controls)),
        "exploratory": level in judged and level != delivered,
        "verdict": None,
        "early_stop": None,
    }
    if judged and (level == 0 or level in judged):
        row["test"]["dense"] = judge.accuracies("dense", level)
    if level in judged:
        row["verdict"] = judge.certificate(level).verdict
        row["early_stop"] = judge.early_stop(level)
        for branch in ("ticket", *judge.evidence.controls):
            row["test"][branch] = judge.accuracies(branch, level)
    return row


def regime_of(bench: Bench[Any], found: Masks, *, delivered: int) -> dict[str, Any]:
    """Say where on the ladder of the delivered search the network stops fitting its train split."""
    classes, named = bench.data.classes, _regimes(bench)
    rows = []
    for level, regime in named.items():
        error = _train_error(bench, level)
        parameters = _parameters_of(bench, found.mask(0, level))
        per_target = parameters_per_target(parameters, examples=len(bench.data.y_train), classes=classes)
        rows.append({"level": level, "train_error": error, "regime": regime, "parameters_per_target": per_target})
    return {
        "interpolating_error": INTERPOLATING_ERROR,
        "examples": len(bench.data.y_train),
        "classes": classes,
        "critical_levels": [level for level, regime in named.items() if regime == "critical"],
        "delivered": named[delivered],
        "levels": rows,
    }


def _parameters_of(bench: Bench[Any], mask: Mask) -> int:
    """Count what a level can fit with: kept entries, biases and norms, those of removed channels not."""
    if (kept := kept_in(bench, mask)) is not None:
        return size_of(bench, kept)["parameters"]
    return bench.subject.inventory.parameters_total - (mask.total - mask.kept_count)


def _regimes(bench: Bench[Any]) -> dict[int, Regime]:
    levels = walk_of(bench).levels
    return dict(zip(levels, regimes([_train_error(bench, level) for level in levels]), strict=True))


def _train_error(bench: Bench[Any], level: int) -> float:
    # 1 - 0.999 is above 0.001 by a bit of the float, and one example in a thousand is not.
    return round(1 - float(_train(bench, level)["accuracy"]), 12)


def _searches_at(bench: Bench[Any], level: int) -> int:
    return walk_of(bench).searches_at(level, searches_made(bench))


def _train(bench: Bench[Any], level: int) -> dict[str, Any]:
    """Give how well a level fits the train split, the delivered search first and every one beside it."""
    results = [bench.result(Where.of_search(replicate, level)) for replicate in range(_searches_at(bench, level))]
    per_search = [{"accuracy": result.train_accuracy, "loss": result.train_loss} for result in results]
    return per_search[0] | {"replicates": per_search}


def _validation(bench: Bench[Any], level: int, replicate: int) -> dict[str, Any]:
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


def curves(bench: Bench[Any], *, delivered: int) -> list[dict[str, Any]]:
    """List validation curves: the delivered search's levels, and every certificate training of the delivered level."""
    places = [Where.of_search(0, level) for level in walk_of(bench).levels]
    places += all_trainings(bench, [delivered] if delivered else [])
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

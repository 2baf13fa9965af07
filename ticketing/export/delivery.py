"""From a finished run to its `out/` folder: the ticket, the levels, the report, the lists. Trains nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ticketing.analysis.stability import warnings_of_choice
from ticketing.channels import Kept
from ticketing.channels.slimming import kept_of, without
from ticketing.evidence.choice import best_level
from ticketing.evidence.judgement import Judge
from ticketing.evidence.testing import on_test
from ticketing.evidence.trainings import all_trainings, finalist
from ticketing.export.answers import write_answers
from ticketing.export.document import document
from ticketing.export.folder import write_json, write_level, write_report
from ticketing.export.hub import write_hub
from ticketing.export.listing import Listed, write_listing
from ticketing.export.sizes import sizes_of
from ticketing.export.ticket_files import write_files
from ticketing.folder import RunSpec
from ticketing.journal.findings import Findings
from ticketing.journal.provenance import provenance, state_digest
from ticketing.journal.results import Result
from ticketing.journal.structure import kept_in
from ticketing.journal.walk import warnings_of_end
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.report.words import regime_sentence
from ticketing.ticket import Ticket
from ticketing.training.evaluation import Evaluation
from ticketing.training.rewinding import settled


def deliver(
    out: Path, bench: Workbench, found: Findings, *, spec: RunSpec, judged: Sequence[int], level: int
) -> tuple[dict[str, Any], list[Listed]]:
    """Write everything a run made, and give the summary of the `finished` event and the list of files.

    The delivered model is the one the first search trained at the delivered level, or with shorter levels its
    finalist, at its minimum validation loss.

    Args:
        out: The folder to fill.
        bench: Of the finished run.
        found: What its searches found.
        spec: Of the run.
        judged: Pruned levels that were taken to the test split.
        level: The delivered one.
    """
    recipe, spec_model = bench.recipe, bench.subject.spec
    about = {
        "architecture": spec_model.architecture,
        "arguments": spec_model.arguments,
        "rewind": str(settled(recipe, bench.journal.facts).rewind),
        "inputs": {"mean": bench.data.mean, "std": bench.data.std},
    }
    ticket = ticket_at(bench, found, level)
    kept = kept_of(bench.channels, ticket.mask) if recipe.removes_channels else None
    deployed = write_files(out, bench, ticket, kept, about=about)
    delivered, best = _delivered(bench, ticket, kept), best_level(bench, found)
    origin = provenance(spec, recipe, key=bench.journal.execution_key, fingerprint=bench.data.fingerprint)
    examples, predictions = len(bench.data.y_test), bench.subject.inventory.predictions
    judge = Judge(bench.journal, recipe.evidence, recipe.seed, examples, predictions)
    notes = [{"code": "validation_from_test", "detail": note} for note in bench.data.notes]
    for promise in ("ticket", "model"):
        state = ticket.start if promise == "ticket" else ticket.trained
        bench.invariants.pruned(state, ticket.mask, name=promise, held=ticket.start if found.actions.holds else None)
    report = document(
        bench,
        found,
        judge=judge,
        judged=judged,
        delivered=delivered,
        best=best,
        labels=spec.labels,
        provenance=origin,
        warnings=[*bench.plan.warnings, *warnings_of_choice(bench.journal.facts), *warnings_of_end(bench), *notes],
        sizes=sizes_of(out, bench.subject.initial_state),
        gain=deployed.gain,
    )
    if report["regime"]["levels"][0]["regime"] == "classical":
        report["warnings"].append({"code": "classical_regime", "detail": regime_sentence(report)})
        bench.say("warning", **report["warnings"][-1])
    for row in report["levels"]:
        with_model = recipe.keep_levels == "models"
        level_ticket = ticket_at(bench, found, row["level"], with_weights=with_model)
        write_level(out, level_ticket, metrics=row, with_model=with_model, about=about)
    if judged:
        write_answers(
            out / "answers.safetensors",
            bench.journal,
            all_trainings(bench, judged),
            examples=examples,
            predictions=predictions,
        )
    write_json(out / "recipe.json", recipe.model_dump(mode="json"))
    write_json(out / "provenance.json", origin)
    write_report(out, report)
    write_hub(out, bench, ticket, kept, report, about=about)
    return summary_of(report), write_listing(out, deployed.parities)


def ticket_at(bench: Workbench, found: Findings, level: int, *, with_weights: bool = True) -> Ticket:
    """Give the first search's ticket at a level, zero in all that makes a removed channel; without weights where only
    its mask was kept."""
    mask = found.mask(0, level)
    if not with_weights:
        return Ticket(level, mask, {}, {})
    start = found.start(0, level)
    if (kept := kept_in(bench, mask)) is not None:
        start = without(start, bench.channels, kept)
    return Ticket(level, mask, start if found.actions.holds else mask.applied_to(start), found.trained(0, level))


def _delivered(bench: Workbench, ticket: Ticket, kept: Kept | None) -> dict[str, Any]:
    final = finalist(bench)
    dense_at = Where.of_search(0, 0) if final is None else Where(0, "certificate", "dense", 0)
    uploaded = on_test(bench, bench.subject.initial_state).accuracy if bench.subject.weights == "trained" else None
    told = delivered_of(
        ticket,
        result=bench.result(final or Where.of_search(0, ticket.level)),
        dense=bench.result(dense_at),
        test=on_test(bench, ticket.trained, kept=kept),
    )
    return told | {"finalist": final is not None, "uploaded_test_accuracy": uploaded}


def delivered_of(ticket: Ticket, *, result: Result, dense: Result, test: Evaluation) -> dict[str, Any]:
    """Say what is handed out: how sparse it is, and how well it and the dense network do.

    Args:
        ticket: Of the first search.
        result: Of the training whose weights are handed out.
        dense: Of the dense network beside it.
        test: The ticket on the test split.
    """
    return {
        "level": ticket.level,
        "replicate": 0,
        "finalist": False,
        "sparsity": ticket.mask.sparsity,
        "kept": ticket.mask.kept_count,
        "total": ticket.mask.total,
        "validation": {"accuracy": result.accuracy, "loss": result.loss},
        "dense_validation": {"accuracy": dense.accuracy, "loss": dense.loss},
        "test": {"accuracy": test.accuracy, "loss": test.loss},
        "uploaded_test_accuracy": None,
        "digests": {"ticket": state_digest(ticket.start), "model": state_digest(ticket.trained)},
    }


def summary_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Give the figures of a report that stand in the job and are held against its gates."""
    delivered, certificate = report["search"]["delivered"], report["certificate"]
    return {
        "level": delivered["level"],
        "sparsity": delivered["sparsity"],
        "accuracy": delivered["test"]["accuracy"],
        "validation_accuracy": delivered["validation"]["accuracy"],
        "accuracy_drop": delivered["dense_validation"]["accuracy"] - delivered["validation"]["accuracy"],
        "bytes": report["sizes"].get("sparse.safetensors") or report["sizes"].get("slim.safetensors"),
        "latency_ms": latency_of(report["gain"]),
        "verdict": certificate["verdict"] if certificate else "inconclusive",
        "n": certificate["n"] if certificate else 0,
        "flops": report["cost"]["flops_executed"] + report["cost"]["certificate_flops"],
        "best": report["search"]["best"],
    }


def latency_of(gain: Mapping[str, Any] | None) -> float | None:
    """Give the p50 of one example at once of the delivered network under ONNX Runtime, in ms; None if not measured."""
    rows = [] if gain is None else gain["latency"]
    of_one = [row["p50"] for row in rows if (row["runtime"], row["batch_size"]) == ("onnxruntime", 1)]
    return of_one[-1] if of_one else None  # the dense network is the first, the delivered one the last

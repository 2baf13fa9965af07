"""From a finished early-bird run to its `out/` folder: the slim network, the ticket, the report. Trains nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ticketing.channels import Kept
from ticketing.channels.slimming import without
from ticketing.evidence.judgement import Judge
from ticketing.evidence.testing import on_test
from ticketing.evidence.trainings import all_trainings
from ticketing.export.answers import write_answers
from ticketing.export.bird_document import bird_document
from ticketing.export.delivery import delivered_of, summary_of
from ticketing.export.folder import write_json, write_level, write_report
from ticketing.export.hub import write_hub
from ticketing.export.listing import Listed, write_listing
from ticketing.export.sizes import sizes_of
from ticketing.export.ticket_files import write_files
from ticketing.folder import RunSpec
from ticketing.journal.birds import Birds, not_settled, start_of_slim
from ticketing.journal.provenance import provenance
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench
from ticketing.recipe import EarlyBird
from ticketing.ticket import Ticket


def deliver_bird(
    out: Path, bench: Bench[EarlyBird], birds: Birds, *, spec: RunSpec, judged: Sequence[int], level: int
) -> tuple[dict[str, Any], list[Listed]]:
    """Write everything a run made, and give the summary of the `finished` event and the list of files.

    Args:
        out: The folder to fill.
        bench: Of the finished run.
        birds: What its searches found.
        spec: Of the run.
        judged: Levels that were taken to the test split.
        level: The delivered one.
    """
    recipe = bench.recipe
    about = {
        "architecture": bench.subject.spec.architecture,
        "arguments": bench.subject.spec.arguments,
        "rewind": recipe.then,
        "inputs": {"mean": bench.data.mean, "std": bench.data.std},
    }
    ticket = ticket_at(bench, birds, level)
    kept = birds.kept(0, level)
    deployed = write_files(out, bench, ticket, kept, about=about)
    origin = provenance(spec, recipe, key=bench.journal.execution_key, fingerprint=bench.data.fingerprint)
    examples, predictions = len(bench.data.y_test), bench.subject.inventory.predictions
    notes = [{"code": "validation_from_test", "detail": note} for note in bench.data.notes]
    for name, state in (("ticket", ticket.start), ("model", ticket.trained)):
        bench.invariants.pruned(state, ticket.mask, name=name)
    report = bird_document(
        bench,
        birds,
        judge=Judge(bench.journal, recipe.evidence, recipe.seed, examples, predictions),
        judged=judged,
        delivered=_delivered(bench, ticket, kept),
        labels=spec.labels,
        provenance=origin,
        warnings=[*bench.plan.warnings, *not_settled(bench, birds, 0), *notes],
        sizes=sizes_of(out, bench.subject.initial_state),
        gain=deployed.gain,
    )
    for row in report["levels"]:
        with_model = recipe.keep_levels == "models" and row["level"] > 0
        write_level(out, ticket_at(bench, birds, row["level"]), metrics=row, with_model=with_model, about=about)
    if judged:
        trainings = all_trainings(bench, judged)
        path = out / "answers.safetensors"
        write_answers(path, bench.journal, trainings, examples=examples, predictions=predictions)
    write_json(out / "recipe.json", recipe.model_dump(mode="json"))
    write_json(out / "provenance.json", origin)
    write_report(out, report)
    write_hub(out, bench, ticket, kept, report, about=about)
    return summary_of(report), write_listing(out, deployed.parities)


def ticket_at(bench: Bench[EarlyBird], birds: Birds, level: int) -> Ticket:
    """Give the first search's slim network at a level in whole tensors, zero where channels are gone; of level 0 the
    mask alone."""
    if level == 0:
        return Ticket(0, birds.mask(0, 0), {}, {})
    start = without(start_of_slim(bench, 0, level)[0], bench.channels, birds.kept(0, level))
    mask = birds.mask(0, level)
    return Ticket(level, mask, mask.applied_to(start), birds.trained(0, level))


def _delivered(bench: Bench[EarlyBird], ticket: Ticket, kept: Kept) -> dict[str, Any]:
    """Say what is handed out. The dense network beside it is the certificate's first, for that of the search was
    stopped when its channels had settled; without a certificate there is no other."""
    beside = Where(0, "certificate", "dense", 0)
    dense_at = beside if beside.piece in bench.journal.facts else Where.of_search(0, 0)
    return delivered_of(
        ticket,
        result=bench.result(Where.of_search(0, ticket.level)),
        dense=bench.result(dense_at),
        test=on_test(bench, ticket.trained, kept=kept),
    )

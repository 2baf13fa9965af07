"""Folder in, folder out: searches, choice, evidence, export, in that order; knows nothing of who made the folder.

An interrupted run goes on from its newest checkpoint and ends with the same bits, on an equal execution key. A fork
begins at a level of another run, taken from that run's checkpoint.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ticketing.actions import Actions
from ticketing.analysis.probing import probe
from ticketing.channels import channels_of
from ticketing.data.dataset import Dataset
from ticketing.evidence.choice import choose
from ticketing.evidence.sequential import grow
from ticketing.evidence.trainings import gather
from ticketing.export.delivery import deliver
from ticketing.export.listing import Listed
from ticketing.folder import CHECKPOINTS, OUT, RECIPE, RunSpec
from ticketing.journal.findings import Findings
from ticketing.journal.invariants import Invariants
from ticketing.journal.journal import Journal, open_journal
from ticketing.journal.provenance import execution_key, run_digest
from ticketing.journal.underway import INVARIANTS
from ticketing.journal.walk import walk_of
from ticketing.journal.workbench import Bench, Workbench
from ticketing.observer import Observer
from ticketing.plans import plan_of
from ticketing.plans.parsing import parse_recipe
from ticketing.plans.start import searches_of
from ticketing.recipe import AnyRecipe, TicketRecipe
from ticketing.runs.capacity_sweep import sweep_widths
from ticketing.runs.early_bird import find_birds
from ticketing.runs.execution import settle, slow_precision
from ticketing.runs.inheritance import take_over
from ticketing.runs.inputs import load
from ticketing.runs.widths import known_sets
from ticketing.searches import SEARCHES
from ticketing.subject import Subject
from ticketing.training.rewinding import restart_of, settled


def run(folder: Path, spec: RunSpec, *, observer: Observer, clock: Callable[[], float]) -> None:
    """Run the search that a folder asks for, or go on with it, until `out/` holds the ticket and its report.

    Says `started` first and `finished` last.

    Args:
        folder: Laid out as `ticketing.folder` draws it.
        spec: What its `run.json` holds.
        observer: Told everything, asked whether to stop.
        clock: Monotonic, in seconds.

    Raises:
        Stopped: The observer asked to stop; a checkpoint was written.
        WinnowError: The run cannot be done; nothing in `out/` is to be used.
    """
    recipe = parse_recipe(json.loads((folder / RECIPE).read_bytes()))
    device = settle(spec.execution, deterministic=recipe.training.deterministic)
    key = execution_key(spec, recipe)
    journal = open_journal(folder / CHECKPOINTS, run_digest=run_digest(spec, recipe), execution_key=key)
    _say_started(journal, observer)
    if journal.saved_under != key and (detail := slow_precision(device, recipe.training.precision)) is not None:
        observer.emit("warning", code="precision_is_slow", detail=detail)
    subject, data = load(folder, spec, recipe, device=device)
    bench = _bench(subject, data, recipe, journal, observer=observer, clock=clock, spec=spec)
    finish = FINISHES[recipe.search]
    summary, files = finish(folder, spec, bench)
    listed = {file.name: {"sha256": file.sha256, "bytes": file.bytes} for file in files}
    observer.emit("finished", summary=summary, files=listed)


def find_ticket(folder: Path, spec: RunSpec, bench: Workbench) -> tuple[dict[str, Any], list[Listed]]:
    """Search, choose, gather evidence and deliver: the way of every search that ends in a ticket.

    Raises:
        Stopped: The observer asked to stop; a checkpoint was written.
    """
    recipe, journal = bench.recipe, bench.journal
    if spec.start is not None and journal.resumed_from is None:
        take_over(bench, folder, spec=spec)
    for replicate in range(searches_of(recipe.evidence)):
        SEARCHES[recipe.search](bench, replicate)
    restart = restart_of(settled(recipe, journal.facts), per_epoch=bench.per_epoch)
    found = Findings(journal, bench.subject, restart=restart, seed=recipe.seed, actions=Actions.of(recipe))
    bench.progress.searched()
    delivered = choose(bench, found)
    judged = _judged(bench)
    probe(bench, found, restart=restart, delivered=delivered)
    if judged:
        gather_all = partial(gather, bench, found, restart=restart)
        gather_all(levels=judged)
        grow(
            bench,
            level=delivered,
            search=partial(SEARCHES[recipe.search], bench),
            gather=lambda replicate: gather_all(levels=(delivered,), replicates=[replicate]),
        )
    bench.save_the_rest()
    bench.phase("export")
    return deliver(folder / OUT, bench, found, spec=spec, judged=judged, level=delivered)


FINISHES: Mapping[str, Callable[[Path, RunSpec, Any], tuple[dict[str, Any], list[Listed]]]] = {
    "iterative": find_ticket,
    "early_bird": find_birds,
    "capacity_sweep": sweep_widths,
}
"""By search: (folder, spec, bench) -> the summary of the `finished` event and the files of `out/`."""


def _say_started(journal: Journal, observer: Observer) -> None:
    saved = journal.resumed_from
    resumed = None if saved is None else {"checkpoint": saved.number, "where": saved.where.as_json()}
    observer.emit("started", resumed_from=resumed, execution_key=journal.execution_key, torch=torch.__version__)
    if saved is not None and journal.saved_under != journal.execution_key:
        detail = f"goes on from a checkpoint made under {journal.saved_under}; the last bits may differ"
        observer.emit("warning", code="resumed_on_different_hardware", detail=detail)
    if journal.damaged:
        detail = f"starts over, for no checkpoint is whole: {'; '.join(journal.damaged)}"
        observer.emit("warning", code="checkpoints_damaged", detail=detail)
    observer.emit("phase", phase="fetch_data")


def _bench(
    subject: Subject,
    data: Dataset,
    recipe: AnyRecipe,
    journal: Journal,
    *,
    observer: Observer,
    clock: Callable[[], float],
    spec: RunSpec,
) -> Bench[Any]:
    removes_channels = isinstance(recipe, TicketRecipe) and recipe.removes_channels
    channels = channels_of(subject.module, subject.inventory) if removes_channels else None
    sets = None if channels is None else known_sets(subject, recipe, channels, journal, observer=observer)
    planned = plan_of(
        subject.inventory,
        recipe,
        train=len(data.y_train),
        test=len(data.y_test),
        trained=subject.weights == "trained",
        start=spec.start,
        sets=sets,
    )
    if journal.resumed_from is None:
        for note in data.notes:
            observer.emit("warning", code="validation_from_test", detail=note)
    return Bench(
        subject=subject,
        data=data,
        recipe=recipe,
        journal=journal,
        observer=observer,
        invariants=Invariants(Invariants().checked | journal.facts.get(INVARIANTS, {})),
        clock=clock,
        checkpoint_seconds=spec.execution.checkpoint_seconds,
        plan=planned,
        start=spec.start,
        found_channels=channels,
    )


def _judged(bench: Workbench) -> tuple[int, ...]:
    """List the pruned levels to take to the test split; none where the target leaves dense alone."""
    return bench.recipe.evidence.judged(walk_of(bench).within[1:])

"""A sweep over widths from its loaded inputs to its `out/` folder; delivers figures and no ticket."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ticketing.data.dataset import Dataset, take
from ticketing.data.stratified import stratified
from ticketing.export.capacity_document import capacity_document
from ticketing.export.folder import write_json, write_report
from ticketing.export.listing import Listed, write_listing
from ticketing.files import write_whole
from ticketing.folder import OUT, RunSpec
from ticketing.journal.provenance import provenance
from ticketing.journal.workbench import Bench
from ticketing.recipe import CapacitySweep
from ticketing.report.capacity_card import capacity_card
from ticketing.report.capacity_page import capacity_page
from ticketing.report.capacity_table import widths_csv
from ticketing.searches.capacity_sweep import search
from ticketing.seeds import derive


def sweep_widths(folder: Path, spec: RunSpec, bench: Bench[CapacitySweep]) -> tuple[dict[str, Any], list[Listed]]:
    """Train every width in every repeat, write `out/`, and give the summary of the `finished` event and the files.

    Args:
        folder: Of the run.
        spec: Of the run.
        bench: With the whole train split; the examples of the sweep are drawn here.

    Raises:
        Stopped: The observer asked to stop; a checkpoint was written.
    """
    recipe, out = bench.recipe, folder / OUT
    bench.data = chosen_examples(bench.data, recipe.examples, seed=recipe.seed)
    for repeat in range(recipe.repeats):
        search(bench, repeat)
    bench.phase("export")
    origin = provenance(spec, recipe, key=bench.journal.execution_key, fingerprint=bench.data.fingerprint)
    report = capacity_document(bench, labels=spec.labels, provenance=origin)
    write_json(out / "recipe.json", recipe.model_dump(mode="json"))
    write_json(out / "provenance.json", origin)
    write_whole(out / "widths.csv", widths_csv(report).encode())
    write_report(out, report, page=capacity_page, card=capacity_card)
    return _summary(report), write_listing(out)


def chosen_examples(data: Dataset, size: int, *, seed: int) -> Dataset:
    """Draw the train examples of a sweep, by class; the same for every width and repeat."""
    rows = torch.from_numpy(stratified(data.y_train.cpu().numpy(), size, seed=derive(seed, 0, "split", "examples")))
    rows = rows.to(data.device)
    return replace(data, x_train=take(data.x_train, rows), y_train=data.y_train.index_select(0, rows))


def _summary(report: dict[str, Any]) -> dict[str, Any]:
    return {
        "flops": report["cost"]["flops_executed"],
        "threshold": report["capacity"]["threshold"],
        "interpolates_from": report["capacity"]["interpolates_from"],
        "peak": report["capacity"]["test_loss_peak"],
        "best": None,
    }

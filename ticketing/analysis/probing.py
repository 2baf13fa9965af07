"""The NTK probe of a finished search: dense and delivered level as they start; decides nothing.

| figure                                      | of                                                                   |
| `rank`, `effective_rank`, `label_alignment` | the empirical NTK of 128 train samples (`ticketing.analysis.kernel`) |
| `early_slope`                               | -(log L(s) - log L(0)) / s, mean train loss L, s = 100 updates       |
"""

from collections.abc import Mapping
from dataclasses import asdict
from math import log
from typing import Any

import torch
from torch import Tensor

from ticketing.analysis.fit import on_train
from ticketing.analysis.kernel import empirical_ntk, spectrum
from ticketing.data.dataset import take
from ticketing.data.stratified import stratified
from ticketing.journal.findings import Findings
from ticketing.journal.workbench import Workbench
from ticketing.ladder.level_length import level_length
from ticketing.mask import Mask
from ticketing.plans.start import recipe_of_level
from ticketing.seeds import derive, order_of_level
from ticketing.step import iterations_per_epoch
from ticketing.training.loop import train
from ticketing.training.rewinding import Restart

SAMPLES = 128
EARLY_UPDATES = 100


def probe(bench: Workbench, found: Findings, *, restart: Restart, delivered: int) -> None:
    """Probe the levels that are asked for, of the first search; what the journal has is not computed again."""
    if "ntk" not in bench.recipe.probes:
        return
    bench.phase("probe")
    for level in sorted({0, delivered}):
        if _piece(level) not in bench.journal.facts:
            bench.journal.record(_piece(level), _figures(bench, found, level, restart=restart))


def probed(bench: Workbench) -> list[dict[str, Any]] | None:
    """Give the figures of every level that was probed; None where nothing was asked for."""
    if "ntk" not in bench.recipe.probes:
        return None
    return [facts for piece, facts in sorted(bench.journal.facts.items()) if piece.startswith("probe/ntk/")]


def _piece(level: int) -> str:
    return f"probe/ntk/{level:02d}"


def _figures(bench: Workbench, found: Findings, level: int, *, restart: Restart) -> dict[str, Any]:
    began, data, mask = bench.clock(), bench.data, found.mask(0, level)
    size = min(SAMPLES, len(data.y_train))
    chosen = stratified(data.y_train.cpu().numpy(), size, seed=derive(bench.recipe.seed, 0, "split", "probe"))
    rows = torch.from_numpy(chosen).to(data.device)
    start = _begun(bench, found, level)
    kernel = empirical_ntk(bench.subject.module, start, mask, take(data.x_train, rows))
    read = spectrum(kernel, data.y_train.index_select(0, rows))
    slope = _early_slope(bench, start, mask, level, restart=restart)
    figures = {"level": level, "samples": size, "rows": len(kernel), **asdict(read), "early_slope": slope}
    return figures | {"seconds": bench.clock() - began}


def _begun(bench: Workbench, found: Findings, level: int) -> Mapping[str, Tensor]:
    """Give the weights that a level begins with, under its mask: removed entries zero, or what they hold."""
    start = found.start(0, level)
    return start if bench.recipe.holds else found.mask(0, level).applied_to(start)


def _early_slope(
    bench: Workbench, start: Mapping[str, Tensor], mask: Mask, level: int, *, restart: Restart
) -> float | None:
    """Make the first updates of a level's training again, on the same batches; None where it makes none."""
    if level == 0 and bench.subject.weights == "trained":
        return None
    recipe = recipe_of_level(level, bench.recipe, bench.start)
    per_epoch = iterations_per_epoch(len(bench.data.y_train), recipe.training.batch_size)
    first = restart.first_step if level else 0
    updates = min(EARLY_UPDATES, level_length(recipe, per_epoch).last_step - first)
    trained = train(
        bench.subject.module,
        start,
        data=bench.data,
        training=recipe.training,
        mask=mask,
        hold=recipe.holds,
        order_seed=order_of_level(bench.recipe.seed, 0, level),
        observer=bench.progress.observer,
        first_step=first,
        last_step=first + updates,
        fine_tune=restart.fine_tune and level > 0,
    )
    before, after = on_train(bench, start).loss, on_train(bench, trained.final).loss
    return (log(before) - log(after)) / updates if before > 0 and after > 0 else None

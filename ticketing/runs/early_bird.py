"""An early-bird run from its loaded inputs to its `out/` folder: search, choice, evidence, export, in that order."""

from functools import partial
from pathlib import Path
from typing import Any

from ticketing.evidence.birds import gather
from ticketing.evidence.sequential import grow
from ticketing.evidence.trainings import CHOICE
from ticketing.export.bird_delivery import deliver_bird
from ticketing.export.listing import Listed
from ticketing.folder import OUT, RunSpec
from ticketing.journal.birds import Birds, birds_of
from ticketing.journal.results import curve_of
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench
from ticketing.plans.start import searches_of
from ticketing.recipe import EarlyBird
from ticketing.searches import SEARCHES


def find_birds(folder: Path, spec: RunSpec, bench: Bench[EarlyBird]) -> tuple[dict[str, Any], list[Listed]]:
    """Search, choose, gather evidence and deliver.

    Raises:
        Stopped: The observer asked to stop; a checkpoint was written.
    """
    evidence, search = bench.recipe.evidence, partial(SEARCHES[bench.recipe.search], bench)
    for replicate in range(searches_of(evidence)):
        search(replicate)
    bench.progress.searched()
    birds, level = birds_of(bench), bench.levels_total
    _choose(bench, birds, level)
    judged = evidence.judged(range(1, level + 1))
    if judged:
        gather(bench, levels=judged)
        grow(
            bench,
            level=level,
            search=search,
            gather=lambda replicate: gather(bench, levels=(level,), replicates=[replicate]),
        )
    bench.phase("export")
    return deliver_bird(folder / OUT, bench, birds, spec=spec, judged=judged, level=level)


def _choose(bench: Bench[EarlyBird], birds: Birds, level: int) -> None:
    """Put into the log that the last share is delivered, before anyone looks at the test split."""
    if CHOICE in bench.journal.facts:
        return
    bench.say(
        "ticket_found",
        level=level,
        sparsity=birds.mask(0, level).sparsity,
        validation_accuracy=bench.result(Where.of_search(0, level)).accuracy,
        dense_validation_accuracy=bench.result(Where.of_search(0, 0)).accuracy,
    )
    bench.journal.record(CHOICE, {"level": level})
    last = Where.of_search(searches_of(bench.recipe.evidence) - 1, level)
    bench.between(last.at(curve_of(bench.journal.tensors[last.piece]["curve"])[-1].step))

"""An early-bird run from its loaded inputs to its `out/` folder: search, choice, evidence, export, in that order."""

from functools import partial
from pathlib import Path
from typing import Any

from ticketing.evidence.birds import gather
from ticketing.evidence.choice import choose
from ticketing.evidence.sequential import grow
from ticketing.export.bird_delivery import deliver_bird
from ticketing.export.listing import Listed
from ticketing.folder import OUT, RunSpec
from ticketing.journal.birds import birds_of
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
    birds = birds_of(bench)
    level = choose(bench, birds)
    judged = evidence.judged(range(1, level + 1))
    if judged:
        gather(bench, levels=judged)
        grow(
            bench,
            level=level,
            search=search,
            gather=lambda replicate: gather(bench, levels=(level,), replicates=[replicate]),
        )
    bench.save_the_rest()
    bench.phase("export")
    return deliver_bird(folder / OUT, bench, birds, spec=spec, judged=judged, level=level)

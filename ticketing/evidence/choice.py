"""Which level is delivered and which is best, decided on validation before anyone looks at the test split."""

from typing import Any

from ticketing.evidence.trainings import CHOICE
from ticketing.journal.findings import Findings, Masks
from ticketing.journal.results import curve_of
from ticketing.journal.walk import walk_of
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench, Workbench
from ticketing.plans.start import searches_of


def choose(bench: Bench[Any], found: Masks) -> int:
    """Choose the last level of the first search's way, and put that into the log; give the level.

    Says `ticket_found` once in a run: an attempt that finds the choice in its journal does not say it again.
    """
    level = walk_of(bench).within[-1]
    if CHOICE not in bench.journal.facts:
        mask = found.mask(0, level)
        bench.say(
            "ticket_found",
            level=level,
            sparsity=mask.sparsity,
            validation_accuracy=bench.result(Where.of_search(0, level)).accuracy,
            dense_validation_accuracy=bench.result(Where.of_search(0, 0)).accuracy,
        )
        bench.journal.record(CHOICE, {"level": level})
        last_search = searches_of(bench.recipe.evidence) - 1
        last = Where.of_search(last_search, level)
        bench.between(last.at(curve_of(bench.journal.tensors[last.piece]["curve"])[-1].step))
    return level


def best_level(bench: Workbench, found: Findings) -> dict[str, Any]:
    """Name the sparsest level that stays within the tolerance of dense on validation, mean over all searches.

    Level 0 does by definition, so there always is one.
    """
    means = {level: _mean_accuracy(bench, level) for level in walk_of(bench).within}
    tolerance = bench.recipe.evidence.tolerance
    level = max(level for level, mean in means.items() if mean >= means[0] - tolerance)
    return {
        "level": level,
        "sparsity": found.mask(0, level).sparsity,
        "metric": "validation_accuracy",
        "value": means[level],
        "delta_vs_dense": means[level] - means[0],
    }


def _mean_accuracy(bench: Workbench, level: int) -> float:
    n = searches_of(bench.recipe.evidence)
    return sum(bench.result(Where.of_search(replicate, level)).accuracy for replicate in range(n)) / n

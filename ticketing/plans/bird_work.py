"""How much an early-bird run trains: its searches, slim networks and certificate, level by level; arithmetic alone."""

from math import sqrt

from ticketing.architectures import Inventory
from ticketing.plans.start import searches_of
from ticketing.plans.work import Work
from ticketing.recipe.early_bird import EarlyBird
from ticketing.recipe.evidence import FULL_SCHEDULE


def work_of_levels(recipe: EarlyBird, *, search: int, slim: int, steps: int) -> list[Work]:
    """Count what every level trains at most, the dense networks of level 0 first.

    Args:
        recipe: Resolved.
        search: Updates of one dense search.
        slim: Updates of a slim network.
        steps: Updates of the whole schedule.
    """
    evidence, last = recipe.evidence, len(recipe.watched)
    later = len(evidence.looks) - 1
    searches = searches_of(evidence) + (later if evidence.replicates_of == "search" else 0)
    beside = [steps if control in FULL_SCHEDULE else slim for control in evidence.controls]
    replicate, judged = Work(slim + sum(beside), 1 + len(beside)), evidence.judged(range(1, last + 1))

    def of_level(level: int) -> Work:
        replicates = evidence.replicates * (level in judged) + later * (level == last)
        return Work(slim, 1).times(searches).plus(replicate.times(replicates))

    dense = Work(search, 1).times(searches).plus(Work(steps, 1).times(evidence.replicates + later))
    return [dense, *map(of_level, range(1, last + 1))]


def slim_effort(inventory: Inventory, recipe: EarlyBird, share: float | None) -> float:
    """Guess what an update of a slim network takes, in those of the dense one; 1 where a time alone is asked for.

    As much as there are channels left. Multiply-adds fall with their square, but norms and activations do not, and a
    width that fills no vector is as slow as the next that does.

    Args:
        inventory: The whole network.
        recipe: Resolved.
        share: Of the channels that are removed; None where a target decides it.
    """
    if share is not None:
        return 1 - share
    target = recipe.target
    if target is not None and target.max_macs is not None:
        return sqrt(target.max_macs / inventory.multiply_adds)
    return 1 / target.speedup if target is not None and target.speedup is not None else 1.0

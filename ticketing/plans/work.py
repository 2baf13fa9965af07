"""How many trainings and updates the searches and the certificate of a run take; arithmetic alone."""

from typing import NamedTuple

from ticketing.folder import StartSpec
from ticketing.plans.certificate import CertificatePlan
from ticketing.plans.start import searches_of, taken_over
from ticketing.recipe import Iterative


class Work(NamedTuple):
    """What is trained."""

    updates: int
    """Of all trainings together."""
    trainings: int

    def plus(self, *others: tuple[int, int]) -> "Work":
        """Add what is trained besides."""
        return Work(*map(sum, zip(self, *others, strict=True)))

    def times(self, count: int) -> "Work":
        """Do it so many times."""
        return Work(count * self.updates, count * self.trainings)


def of_ladder(levels: int, steps: int, first: int, trained: bool) -> Work:
    """Count one search from level 0 on.

    Args:
        levels: Number of the last one.
        steps: Updates of the schedule at which a level ends.
        first: At which it begins.
        trained: Whether the weights came trained: then level 0 makes no update.
    """
    return Work((0 if trained else steps) + levels * (steps - first), levels + (not trained))


def of_searches(
    recipe: Iterative, *, levels: int, steps: int, first: int, trained: bool, start: StartSpec | None
) -> Work:
    """Count the ladders of all searches the run begins with; those of a fork's parent begin at its level."""
    shared = taken_over(recipe, start)
    forked = 0 if start is None else shared * (levels + 1 - start.level)
    own = of_ladder(levels, steps, first, trained).times(searches_of(recipe.evidence) - shared)
    return own.plus((forked * (steps - first), forked))


def of_certificate(recipe: Iterative, certificate: CertificatePlan, *, levels: int) -> Work:
    """Count the certificate trainings of the first look."""
    judged = recipe.evidence.judged(range(1, levels + 1))
    return Work(*certificate.replicate(judged)).times(recipe.evidence.replicates)


def of_later_looks(recipe: Iterative, certificate: CertificatePlan, *, ladder: Work, last: int) -> Work:
    """Count what later looks may add: replicates of the delivered level, each with the ladder it needs."""
    walked = ladder if recipe.evidence.replicates_of == "search" else Work(0, 0)
    return walked.plus(certificate.replicate((last,))).times(len(recipe.evidence.looks) - 1)

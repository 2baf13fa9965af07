"""Adds replicates one by one while the verdict is inconclusive, up to a number fixed beforehand; judges by `Judge`.

What is known at a look is in the journal, and a look draws nothing that is not seeded: an attempt that goes on looks
again and decides the same.
"""

from collections.abc import Callable
from typing import Any

from ticketing.evidence.judgement import Judge
from ticketing.journal.workbench import Bench


def grow(bench: Bench[Any], *, level: int, search: Callable[[int], None], gather: Callable[[int], None]) -> None:
    """Look at the delivered level at every number of replicates from the first on, and add one while undecided.

    With `replicates_of: search` one more is a whole further search from a new initialisation; it sees train and
    validation alone, and the level stays the one that was chosen before. Other levels keep the replicates they have.

    Args:
        bench: Of the run, with the evidence of the first look gathered.
        level: The delivered one.
        search: Makes one more search, by its number.
        gather: Trains and tests one more replicate of the level, by its number.

    Raises:
        Stopped: The observer asked to stop; the journal was saved.
        SearchError: A training diverged, or a promise of the certificate broke.
    """
    evidence = bench.recipe.evidence
    predictions = bench.subject.inventory.predictions
    judge = Judge(bench.journal, evidence, bench.recipe.seed, len(bench.data.y_test), predictions)
    for n in evidence.looks[:-1]:
        if judge.certificate(level, replicates=n).verdict != "inconclusive":
            return
        if evidence.replicates_of == "search":
            search(n)
        gather(n)

"""Which level a search goes to next, from what its levels came to; knows accuracies, no network and no journal.

A way is asked after every level. It names the next one and the level whose trained weights and mask that one is cut
from. Levels are numbered as the rungs of the whole ladder, so level 7 keeps the same counts on every way.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

LARGE_CUT = 4
"""Rungs at once while at most half of the allowed drop is used up."""
EQUAL = 1e-9
"""Accuracies closer than this are the same count of examples."""


COLLAPSED = float("-inf")
"""The accuracy of a level that would leave a layer nothing: beyond any drop, and never trained."""


class Walked(NamedTuple):
    """A level that is trained, or cannot be."""

    level: int
    accuracy: float
    """On validation, a fraction."""


class Cut(NamedTuple):
    """A level to go to."""

    level: int
    after: int
    """The level it is cut from."""


Way = Callable[[Sequence[Walked]], Cut | None]
"""What was walked so far, level 0 first -> the next cut; None at the end."""


def through(levels: Sequence[int]) -> Way:
    """Go through a list of levels one after the other, each cut from the one before."""

    def following(walked: Sequence[Walked]) -> Cut | None:
        done = len(walked)
        return Cut(levels[done], after=levels[done - 1]) if done < len(levels) else None

    return following


def to_drop(drop: float, *, last: int) -> Way:
    """Go to the sparsest level within an accuracy drop: large cuts, then bisection.

    While at most half of the drop is used up, `LARGE_CUT` rungs at once; then one by one. After the first level
    beyond the drop, bisection between it and the last one within; every cut is made from the last one within.

    Args:
        drop: Accuracy (fraction) that may be lost against level 0.
        last: Number of the sparsest rung.
    """

    def following(walked: Sequence[Walked]) -> Cut | None:
        within, beyond = sorted_out(walked, drop)
        good, bad = within[-1], min(beyond, default=last + 1)
        if bad - good == 1:
            return None
        if beyond:
            return Cut((good + bad) // 2, after=good)
        accuracy = next(at.accuracy for at in walked if at.level == good)
        wide = walked[0].accuracy - accuracy <= drop / 2 + EQUAL
        return Cut(min(good + (LARGE_CUT if wide else 1), last), after=good)

    return following


def sorted_out(walked: Sequence[Walked], drop: float | None) -> tuple[list[int], list[int]]:
    """Tell the levels within a drop of level 0 from those beyond, both rising; all are within where there is none."""
    least = walked[0].accuracy - drop - EQUAL if drop is not None else float("-inf")
    within = sorted(at.level for at in walked if at.accuracy >= least)
    return within, sorted(at.level for at in walked if at.accuracy < least)

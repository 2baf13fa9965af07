"""Which level a search goes to next, from what its levels came to; knows accuracies, no network and no journal.

A way is asked after every level. It names the next one and the level whose trained weights and mask that one is cut
from. Levels are numbered as the rungs of the whole ladder, so level 7 keeps the same counts on every way.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

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
    seconds: float = 0.0
    """That its training took, all attempts together; 0 of one taken over."""
    tries: float = 0.0
    """Seconds that were spent beside it on choosing where to rewind to."""
    inherited: bool = False
    """Whether a fork took it over."""


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


class Purse(NamedTuple):
    """What a budget lets a way train."""

    levels: int
    """Pruned levels."""
    seconds: float | None = None
    """Of all trainings together; None does not bound them."""

    def empty_after(self, walked: Sequence[Walked]) -> Literal["levels", "seconds"] | None:
        """Say what no longer pays one more level; None where it is paid.

        The seconds of the next level are taken to be those of the last one. The first pruned level is always paid:
        without it there is no ticket.
        """
        pruned = [at for at in walked if at.level and at.accuracy != COLLAPSED and not at.inherited]
        if not pruned:
            return None
        if len(pruned) >= self.levels:
            return "levels"
        spent = sum(at.seconds + at.tries for at in walked)
        return "seconds" if self.seconds is not None and spent + pruned[-1].seconds > self.seconds else None


def paid_by(purse: Purse | None, way: Way) -> Way:
    """End a way where a budget does; never within a level."""
    if purse is None:
        return way
    return lambda walked: None if purse.empty_after(walked) else way(walked)


def sorted_out(walked: Sequence[Walked], drop: float | None) -> tuple[list[int], list[int]]:
    """Tell the levels within a drop of level 0 from those beyond, both rising; all are within where there is none."""
    least = walked[0].accuracy - drop - EQUAL if drop is not None else float("-inf")
    within = sorted(at.level for at in walked if at.accuracy >= least)
    return within, sorted(at.level for at in walked if at.accuracy < least)

"""The updates of the dense run at which `rewind: auto` considers a restart; arithmetic alone, loads no torch."""

from collections.abc import Callable, Sequence
from fractions import Fraction

from ticketing.ladder.schedule import round_half_up
from ticketing.recipe import Iterative

SHARES = tuple(Fraction(share) for share in ("0", "0.001", "0.005", "0.01", "0.02", "0.05", "0.1"))
"""Of the whole length."""


def rewind_candidates(steps: int, *, last_step: int) -> tuple[int, ...]:
    """List them, rising: shares of `steps` updates, rounded half up, each once, all before `last_step`."""
    return tuple(sorted({step for share in SHARES if (step := round_half_up(share * steps)) < last_step}))


def earliest(candidates: Sequence[int], stable: Callable[[int], bool]) -> int | None:
    """Find the first update that is stable, if those after a stable one are too; None where none is.

    Args:
        candidates: Rising.
        stable: Asked for at most 3 of up to 7.
    """
    low, high = 0, len(candidates)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if stable(candidates[middle]) else (middle + 1, high)
    return candidates[low] if low < len(candidates) else None


def tried_at_most(recipe: Iterative, *, steps: int, last_step: int, fork: bool) -> tuple[int, int]:
    """Count (updates, trainings) at most made to choose one, and once more on the first pruned level.

    Args:
        recipe: Resolved; none are made unless it says `auto`.
        steps: Of a whole training.
        last_step: At which a level ends at the latest.
        fork: Whether the choice is a parent's.
    """
    if recipe.rewind != "auto":
        return 0, 0
    tried = 1 if fork else 1 + len(rewind_candidates(steps, last_step=last_step)).bit_length()
    return tried * last_step, tried

"""When the channels that would be removed have settled: early-bird tickets (You et al. 2019); knows no network.

After every epoch the channels are ranked, and those that would go are noted as a mask. The ticket is found at the first
epoch whose masks lie close together:

| rule               | of masks     | is close                                                          |
| `newest_vs_window` | `window`     | the newest to every other of the last `window` (the authors' code) |
| `consecutive`      | `window` + 1 | each of the last `window` to the one before it (the paper's text)  |

Epochs count from 1: what has not been trained has no mask.
"""

from collections.abc import Callable, Iterator
from typing import Literal

Rule = Literal["newest_vs_window", "consecutive"]
Between = Callable[[int, int], float]
"""The mask distance of two epochs, in [0, 1]; here they are numbered from 0."""


def settled(between: Between, epochs: int, *, rule: Rule, window: int, threshold: float) -> bool:
    """Say whether the ticket is found at the newest epoch.

    Args:
        between: Distances of the masks so far.
        epochs: How many masks there are.
        rule: What must be close to what.
        window: As the rule counts it.
        threshold: Largest distance that is close, in [0, 1]; a distance of exactly this is close.
    """
    if epochs < earliest(rule, window):
        return False
    return all(between(a, b) <= threshold for a, b in COMPARED[rule](epochs, window))


def _newest_vs_window(epochs: int, window: int) -> Iterator[tuple[int, int]]:
    return ((older, epochs - 1) for older in range(epochs - window, epochs - 1))


def _consecutive(epochs: int, window: int) -> Iterator[tuple[int, int]]:
    return ((older, older + 1) for older in range(epochs - window - 1, epochs - 1))


COMPARED: dict[Rule, Callable[[int, int], Iterator[tuple[int, int]]]] = {
    "newest_vs_window": _newest_vs_window,
    "consecutive": _consecutive,
}
"""Which epochs a rule compares at the newest of so many, with a window."""


def earliest(rule: Rule, window: int) -> int:
    """Say at which epoch a ticket can be found at the earliest."""
    return window if rule == "newest_vs_window" else window + 1


def distance_by_chance(sparsity: float) -> float:
    """Give the expected distance of two masks drawn at random that both remove this share: 2 p (1 - p)."""
    return 2 * sparsity * (1 - sparsity)


def uninformative(sparsity: float, threshold: float) -> bool:
    """Say whether a threshold tells little: masks drawn at random would be within twice of it."""
    return distance_by_chance(sparsity) < 2 * threshold

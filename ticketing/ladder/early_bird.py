"""When the channels that would be removed have settled: early-bird tickets (You et al. 2019); knows no network.

After every epoch the channels are ranked, and those that would go are noted as a mask. The ticket is found at the first
epoch whose masks lie close together:

| rule               | of masks     | is close                                                          |
| `newest_vs_window` | `window`     | the newest to every other of the last `window` (the authors' code) |
| `consecutive`      | `window` + 1 | each of the last `window` to the one before it (the paper's text)  |

Epochs count from 1: what has not been trained has no mask.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Rule = Literal["newest_vs_window", "consecutive"]
Masks = Sequence[NDArray[np.bool_]]
"""Which channels would stay after each epoch, oldest first, True = kept."""


def settled(masks: Masks, *, rule: Rule, window: int, threshold: float) -> bool:
    """Say whether the ticket is found at the newest of these masks.

    Args:
        masks: After every epoch so far.
        rule: What must be close to what.
        window: As the rule counts it.
        threshold: Largest distance that is close, in [0, 1]; a distance of exactly this is close.
    """
    return RULES[rule](masks, window, threshold)


def _newest_vs_window(masks: Masks, window: int, threshold: float) -> bool:
    older = masks[-window:-1]
    return len(older) == window - 1 and all(distance(masks[-1], mask) <= threshold for mask in older)


def _consecutive(masks: Masks, window: int, threshold: float) -> bool:
    last = masks[-window - 1 :]
    pairs = list(pairwise(last))
    return len(pairs) == window and all(distance(a, b) <= threshold for a, b in pairs)


RULES: dict[Rule, Callable[[Masks, int, float], bool]] = {
    "newest_vs_window": _newest_vs_window,
    "consecutive": _consecutive,
}


def earliest(rule: Rule, window: int) -> int:
    """Say at which epoch a ticket can be found at the earliest."""
    return window if rule == "newest_vs_window" else window + 1


def distance(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Give the share of channels on which two masks differ (Hamming distance over channels), in [0, 1]."""
    return float(np.count_nonzero(one != other) / len(one))


def distances(masks: Masks) -> NDArray[np.float64]:
    """Give the distance of every two masks, (epochs, epochs): symmetric, 0 on the diagonal (You et al., figure 3)."""
    return np.array([[distance(one, other) for other in masks] for one in masks])


def distance_by_chance(sparsity: float) -> float:
    """Give the expected distance of two masks drawn at random that both remove this share: 2 p (1 - p)."""
    return 2 * sparsity * (1 - sparsity)


def uninformative(sparsity: float, threshold: float) -> bool:
    """Say whether a threshold tells little: masks drawn at random would be within twice of it."""
    return distance_by_chance(sparsity) < 2 * threshold

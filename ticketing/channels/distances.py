"""How far apart the choices of channels of two epochs are; chooses nothing."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Choice = NDArray[np.bool_]
"""Which channels stay."""


def distance(one: Choice, other: Choice) -> float:
    """Give the share of channels on which two masks differ (Hamming distance over channels), in [0, 1]."""
    return float(np.count_nonzero(one != other) / len(one))


def farthest(one: Choice, other: Choice, kinds: Iterable[Choice]) -> float:
    """Give the distance over the kind of channels in which two masks differ most: a few heads would be lost among
    thousands of units.

    Args:
        one: Of all channels.
        other: The same of another epoch.
        kinds: The channels that compete with each other; those of no kind count in no distance.
    """
    return max(distance(one[kind], other[kind]) for kind in kinds)


def distances(masks: Sequence[Choice], kinds: Sequence[Choice]) -> NDArray[np.float64]:
    """Give `farthest` of every two masks, (epochs, epochs): symmetric, 0 on the diagonal (You et al., figure 3)."""
    return np.array([[farthest(one, other, kinds) for other in masks] for one in masks])

"""How far apart the choices of channels of two epochs are; chooses nothing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def distance(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Give the share of channels on which two masks differ (Hamming distance over channels), in [0, 1]."""
    return float(np.count_nonzero(one != other) / len(one))


def distances(masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.float64]:
    """Give the distance of every two masks, (epochs, epochs): symmetric, 0 on the diagonal (You et al., figure 3)."""
    return np.array([[distance(one, other) for other in masks] for one in masks])

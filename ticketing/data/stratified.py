"""Which rows are drawn of a labelled dataset: of every class its share."""

import numpy as np
from numpy.typing import NDArray


def stratified(labels: NDArray[np.int64], size: int, *, seed: int) -> NDArray[np.int64]:
    """Draw `size` rows so that every class has its share of them, to within one.

    Shares are rounded by largest remainder, the lower class first among equals. The rows come sorted.

    Args:
        labels: Class of every row.
        size: Rows to draw, from 0 to the number of labels.
        seed: Of the draw within each class.
    """
    counts = np.bincount(labels)
    exact = counts * size  # in units of 1 / len(labels), so that the arithmetic stays in whole numbers
    drawn = exact // len(labels)
    remainder = exact % len(labels)
    for winner in np.argsort(-remainder, kind="stable")[: size - int(drawn.sum())]:
        drawn[winner] += 1
    random = np.random.Generator(np.random.PCG64(seed))
    rows = [random.permutation(np.flatnonzero(labels == c))[: drawn[c]] for c in range(len(counts))]
    return np.sort(np.concatenate(rows)).astype(np.int64)

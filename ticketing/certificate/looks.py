"""How often a certificate that grows may be looked at without being fooled: one confidence for every look.

A 95 % interval that is looked at again and again excludes the truth at one of the looks far more often than in 5 % of
cases. So every look has the same, higher confidence (Pocock 1977; for t statistics by significance levels, Jennison &
Turnbull 2000, section 4.4), such that all intervals together hold the truth with 95 %. For looks at t statistics of so
few replicates the printed constants, which are of normal ones, are too lenient: it is found by simulation, seeded.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ticketing.certificate.intervals import CONFIDENCE, t_quantile

PATHS = 100_000
STEP = 1e-4
"""Significance levels are whole multiples of this."""


@lru_cache(maxsize=32)
def confidence_of(looks: tuple[int, ...]) -> float:
    """Give the confidence of the interval at each look, so that all of them hold the truth with 95 %.

    The largest multiple of 0.01 % for which at most 5 % of simulated sequences (less two standard errors of the
    simulation) leave their interval at any look; differences are independent and normal, whose scale cancels.

    Args:
        looks: Numbers of replicates at which the certificate is looked at, rising, the first at least 2.
    """
    if len(looks) < 2:
        return CONFIDENCE
    error = 1 - CONFIDENCE
    allowed = error - 2 * float(np.sqrt(error * (1 - error) / PATHS))
    statistics = _simulated(looks)
    # The union bound holds whatever the dependence, so that the answer lies between it and no correction at all.
    low, high = int(error / len(looks) / STEP), int(error / STEP)
    while high - low > 1:
        middle = (low + high) // 2
        bounds = np.array([t_quantile(n - 1, 1 - middle * STEP) for n in looks])
        low, high = (middle, high) if float((statistics > bounds).any(axis=1).mean()) <= allowed else (low, middle)
    return round(1 - low * STEP, 4)


def _simulated(looks: tuple[int, ...]) -> NDArray[np.float64]:
    """Give |t| at every look (column) of sequences of standard normal differences (row)."""
    drawn = np.random.default_rng(0).standard_normal((PATHS, looks[-1]))
    n = np.array(looks)
    total, squares = (np.cumsum(drawn**power, axis=1)[:, n - 1] for power in (1, 2))
    variance = (squares - total**2 / n) / (n - 1)
    statistics: NDArray[np.float64] = np.abs(total) / np.sqrt(n * variance)
    return statistics

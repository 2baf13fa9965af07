"""Intervals for the mean of paired differences: Student t, and a bootstrap crossed over replicates and examples.

Knows no verdict: arithmetic alone.
"""

from collections.abc import Callable, Sequence
from math import atan2, cos, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
AT_ONCE = 500
"""Draws of the bootstrap that are in memory together."""
CONFIDENCE = 0.95

Interval = tuple[float, float]
Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
"""(generator, draws) -> how often each column of the sums was drawn, a row per draw."""


def student_interval(differences: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Give the two-sided Student t interval of the mean of at least two differences."""
    n = len(differences)
    mean = float(np.mean(differences))
    half_width = t_quantile(n - 1, confidence) * float(np.std(differences, ddof=1)) / sqrt(n)
    return mean - half_width, mean + half_width


def bootstrap_interval(
    signed: NDArray[np.int8], *, seed: int, draws: int = DRAWS, confidence: float = CONFIDENCE
) -> Interval:
    """Give the central part of the mean's distribution when replicates and test examples are both drawn again, crossed.

    Every draw takes as many replicates and as many examples as there are, with replacement, all replicates seeing
    the same drawn examples. What one example was asked, such as the tokens of a window, is drawn with it as a whole:
    neighbours in a text are right and wrong together (blocks that do not overlap: Carlstein 1986).

    Args:
        signed: -1, 0 or 1 per replicate (row) and test example (column), and per token of it where there is a third
            dimension.
        seed: The same seed gives the same interval.
        draws: Number of resamples.
        confidence: Share of them that lies within.
    """
    random = np.random.default_rng(seed)
    n = len(signed)
    sums, draw = _drawn_by_kind(signed) if signed.ndim == 2 else _drawn_whole(signed)
    # In parts that fit into memory; the stream of random numbers is that of one call.
    parts = [min(AT_ONCE, draws - done) for done in range(0, draws, AT_ONCE)]
    per_replicate = np.concatenate([draw(random, part) @ sums.T for part in parts]) / (signed.size // n)
    drawn_replicates = random.multinomial(n, np.full(n, 1 / n), size=draws)
    means = (per_replicate * drawn_replicates).sum(axis=1) / n
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _drawn_by_kind(signed: NDArray[np.int8]) -> tuple[NDArray[np.float64], Draw]:
    """Draw how often each distinct column comes up.

    Examples with the same column are interchangeable, so that is drawing examples: at most 3^n numbers a draw instead
    of one per example.
    """
    examples = signed.shape[1]
    kinds, counts = np.unique(signed[::-1], axis=1, return_counts=True)

    def draw(random: np.random.Generator, draws: int) -> NDArray[np.float64]:
        return random.multinomial(examples, counts / examples, size=draws).astype(np.float64)

    return kinds[::-1].astype(np.float64), draw


def _drawn_whole(signed: NDArray[np.int8]) -> tuple[NDArray[np.float64], Draw]:
    """Draw examples one by one, each with the sum of its answers: hardly two of them are alike."""
    examples = signed.shape[1]

    def draw(random: np.random.Generator, draws: int) -> NDArray[np.float64]:
        rows = random.integers(examples, size=(draws, examples)) + examples * np.arange(draws)[:, np.newaxis]
        return np.bincount(rows.ravel(), minlength=draws * examples).reshape(draws, examples).astype(np.float64)

    return signed.sum(axis=2, dtype=np.int64).astype(np.float64), draw


def t_quantile(degrees: int, confidence: float = CONFIDENCE) -> float:
    """Give the t for which a Student t variable lies within +-t with probability `confidence`.

    Bisection on the exact finite series for whole degrees of freedom (Abramowitz & Stegun 26.7.3-4), to the last
    few bits; importing scipy for one number takes longer than training a small network.
    """
    low, high = 0.0, 1.0
    while _within(high, degrees) < confidence:
        high *= 2
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if _within(middle, degrees) < confidence else (low, middle)
    return high


def _within(t: float, degrees: int) -> float:
    """Give the probability that a Student t variable lies within +-t."""
    angle = atan2(t, sqrt(degrees))
    squared, odd = cos(angle) ** 2, degrees % 2
    term = total = 1.0
    for k in range(2 + odd, degrees - 1, 2):
        term *= squared * (k - 1) / k
        total += term
    if not odd:
        return sin(angle) * total
    return 2 / pi * (angle + (sin(angle) * cos(angle) * total if degrees > 1 else 0.0))

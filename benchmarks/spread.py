"""A model of who gets which test example right, fitted to real answers and drawn from; trains and judges nothing.

Replicate r of branch b gets example e right with probability Phi(q_e + g_r + h_br): q_e is the example's own (shared by
all rows: the crossed design), g_r the replicate's (shared by the branches of a pair), h_br the training's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ticketing.certificate.verdict import Correct

_TABLE = np.linspace(-8, 8, 4001)
_PHI = np.array([NormalDist().cdf(x) for x in _TABLE])


def phi(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the standard normal distribution function, from a table of steps of 0.004."""
    return np.interp(x, _TABLE, _PHI)


@dataclass(frozen=True)
class Spread:
    """What was measured, and the model that has it."""

    examples: int
    rows: int
    accuracy: float
    """Mean over all rows."""
    sd_of_rows: float
    """Between replicates of one branch, accuracy as a fraction."""
    sd_of_differences: float
    """Between branches of one pair."""
    alpha: float
    beta: float
    """Of the Beta distribution of an example's probability."""
    shared: float
    own: float
    """Standard deviations of g and h."""
    slope: float
    """Accuracy (fraction) gained per unit of g or h."""


def fitted(first: Correct, second: Correct) -> Spread:
    """Fit the model by moments to two branches of the same kind, in pairs (rows) on the same examples (columns)."""
    rows = np.concatenate([first, second]).astype(np.float64)
    n, examples = rows.shape
    mean, right = rows.mean(), rows.sum(axis=0)
    # The share of examples that two different trainings both get right, without bias: E p^2.
    both = float((right * (right - 1) / (n * (n - 1))).mean())
    precision = (mean - both) / max(both - mean**2, 1e-9)
    alpha, beta = mean * precision, (1 - mean) * precision
    p = np.random.default_rng(0).beta(alpha, beta, 200_000)
    quantiles = _quantile(p)
    slope = float((np.exp(-(quantiles**2) / 2) / np.sqrt(2 * np.pi)).mean())
    sampling = float((p * (1 - p)).mean()) / examples
    accuracies = first.mean(axis=1), second.mean(axis=1)
    variance = float(np.mean([np.var(a, ddof=1) for a in accuracies]))
    covariance = max(0.0, float(np.cov(*accuracies)[0, 1]))
    shared = min(covariance, max(0.0, variance - sampling))
    own = max(0.0, variance - sampling - shared)
    return Spread(
        examples=examples,
        rows=n,
        accuracy=float(mean),
        sd_of_rows=variance**0.5,
        sd_of_differences=float(np.std(accuracies[0] - accuracies[1], ddof=1)),
        alpha=float(alpha),
        beta=float(beta),
        shared=shared**0.5 / slope,
        own=own**0.5 / slope,
        slope=slope,
    )


def drawn(spread: Spread, random: np.random.Generator, *, n: int, ahead: Sequence[float]) -> list[Correct]:
    """Draw n replicates of as many branches as `ahead` says by how much (fraction) each is ahead; examples are new."""
    p = random.beta(spread.alpha, spread.beta, spread.examples)
    own = _quantile(p)
    together = spread.shared * random.standard_normal(n)
    return [
        np.array(
            [
                random.random(spread.examples)
                < phi(own + g + spread.own * random.standard_normal() + gain / spread.slope)
                for g in together
            ]
        )
        for gain in ahead
    ]


def _quantile(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.interp(p, _PHI, _TABLE)

"""From paired results to a verdict: intervals, outcomes, and the word that may be said; knows no network and no file.

Every comparison is paired: replicate i of the ticket and replicate i of the other saw the same data in the same
order, so only their difference is judged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import atan2, cos, exp, inf, log, pi, sin, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Correct = NDArray[np.bool_]
"""One row per replicate, one column per test example: whether it was classified correctly. Where an example asks for
several classes, as a window of text does, they stand in a third dimension."""

Outcome = Literal["matches", "loses", "beaten", "not_beaten", "inconclusive"]
Verdict = Literal["winning", "matching", "losing", "inconclusive"]

MINIMUM_REPLICATES = 3
"""Fewer are always inconclusive: two differences can agree by luck whatever their interval says."""
DRAWS = 10_000
AT_ONCE = 500
"""Draws of the bootstrap that are in memory together."""
CONFIDENCE = 0.95

Interval = tuple[float, float]
Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
"""(generator, draws) -> how often each column of the sums was drawn, a row per draw."""


@dataclass(frozen=True)
class Comparison:
    """A ticket against one other network, over the replicates of both. Accuracies are fractions."""

    differences: tuple[float, ...]
    """Ticket minus other, one per replicate."""
    mean: float
    interval: Interval | None
    """Two-sided 95 % Student t on the differences; None for fewer than two."""
    bootstrap: Interval | None
    """Crossed bootstrap over replicates and test examples; None for fewer than two replicates."""
    outcome: Outcome

    @property
    def lower(self) -> float:
        """The lower bound on which both intervals agree: the smaller of the two."""
        return -inf if self.interval is None or self.bootstrap is None else min(self.interval[0], self.bootstrap[0])

    @property
    def upper(self) -> float:
        """The upper bound on which both intervals agree: the larger of the two."""
        return inf if self.interval is None or self.bootstrap is None else max(self.interval[1], self.bootstrap[1])


@dataclass(frozen=True)
class Certificate:
    """What may be said of the ticket at one level, and on what grounds."""

    verdict: Verdict
    n: int
    tolerance: float
    resolution: float
    """The smallest accuracy difference (fraction) the test split can show: one example, or one token of a window."""
    dense: Comparison
    controls: dict[str, Comparison]
    not_beaten: tuple[str, ...]
    """Controls over which the ticket's lower bound is not above zero."""


def certify(
    ticket: Correct, dense: Correct, controls: Mapping[str, Correct], *, tolerance: float, seed: int
) -> Certificate:
    """Judge a ticket by its paired results on the test split.

    `winning`: it matches dense and beats every control that was run, of which there is at least one.
    `matching`: it matches dense, but some control is not beaten, or none was run. `losing`: it loses against dense.
    Otherwise, and always with fewer than three replicates, `inconclusive`.

    Args:
        ticket: Its correct answers; rows are replicates.
        dense: Of the dense network trained on the same data in the same order.
        controls: Of each control, by name.
        tolerance: Accuracy (fraction) the ticket may lose against dense and still match; fixed before training.
        seed: Of the bootstrap.
    """
    against_dense = compare(ticket, dense, seed=seed, tolerance=tolerance)
    against = {name: compare(ticket, correct, seed=seed) for name, correct in controls.items()}
    not_beaten = tuple(name for name, comparison in against.items() if comparison.outcome != "beaten")
    verdict: Verdict = "inconclusive"
    if against_dense.outcome == "loses":
        verdict = "losing"
    elif against_dense.outcome == "matches":
        verdict = "winning" if against and not not_beaten else "matching"
    n, resolution = len(ticket), 1 / ticket[0].size
    return Certificate(verdict, n, tolerance, resolution, against_dense, against, not_beaten)


def compare(ticket: Correct, other: Correct, *, seed: int, tolerance: float | None = None) -> Comparison:
    """Compare a ticket with one other network, replicate by replicate.

    With a tolerance the other is the dense network: the ticket `matches` if the lower bound is above -tolerance and
    `loses` if the upper bound is below it. Without one the other is a control: it is `beaten` if the lower bound is
    above zero. A bound counts only if the t interval and the bootstrap agree on it.

    Args:
        ticket: Correct answers of the ticket; rows are replicates.
        other: Of the other network, same replicates, same examples.
        seed: Of the bootstrap.
        tolerance: Accuracy (fraction); None for a control.

    Raises:
        ValueError: The two were not evaluated on the same replicates and examples.
    """
    if ticket.shape != other.shape or ticket.ndim not in (2, 3) or not ticket.size:
        raise ValueError(f"expected the same replicates and examples, got {ticket.shape} and {other.shape}")
    signed = ticket.astype(np.int8) - other.astype(np.int8)
    differences = tuple(float(d) for d in signed.reshape(len(signed), -1).mean(axis=1))
    several = len(differences) > 1
    found = Comparison(
        differences,
        float(np.mean(differences)),
        student_interval(differences) if several else None,
        bootstrap_interval(signed, seed=seed) if several else None,
        "inconclusive",
    )
    return Comparison(found.differences, found.mean, found.interval, found.bootstrap, _outcome(found, tolerance))


def _outcome(found: Comparison, tolerance: float | None) -> Outcome:
    if len(found.differences) < MINIMUM_REPLICATES:
        return "inconclusive"
    if tolerance is None:
        return "beaten" if found.lower > 0 else "not_beaten"
    if found.lower > -tolerance:
        return "matches"
    return "loses" if found.upper < -tolerance else "inconclusive"


def student_interval(differences: Sequence[float]) -> Interval:
    """Give the two-sided 95 % Student t interval of the mean of at least two differences."""
    n = len(differences)
    mean = float(np.mean(differences))
    half_width = t_quantile(n - 1) * float(np.std(differences, ddof=1)) / sqrt(n)
    return mean - half_width, mean + half_width


def bootstrap_interval(signed: NDArray[np.int8], *, seed: int, draws: int = DRAWS) -> Interval:
    """Give the central 95 % of the mean when replicates and test examples are both drawn again, crossed.

    Every draw takes as many replicates and as many examples as there are, with replacement, all replicates seeing
    the same drawn examples. What one example was asked, such as the tokens of a window, is drawn with it as a whole:
    neighbours in a text are right and wrong together (blocks that do not overlap: Carlstein 1986).

    Args:
        signed: -1, 0 or 1 per replicate (row, at most 39 of them) and test example (column), and per token of it
            where there is a third dimension.
        seed: The same seed gives the same interval.
        draws: Number of resamples.
    """
    random = np.random.default_rng(seed)
    n = len(signed)
    sums, draw = _drawn_by_kind(signed) if signed.ndim == 2 else _drawn_whole(signed)
    # In parts that fit into memory; the stream of random numbers is that of one call.
    parts = [min(AT_ONCE, draws - done) for done in range(0, draws, AT_ONCE)]
    per_replicate = np.concatenate([draw(random, part) @ sums.T for part in parts]) / (signed.size // n)
    drawn_replicates = random.multinomial(n, np.full(n, 1 / n), size=draws)
    means = (per_replicate * drawn_replicates).sum(axis=1) / n
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _drawn_by_kind(signed: NDArray[np.int8]) -> tuple[NDArray[np.float64], Draw]:
    """Draw how often each distinct column comes up.

    Examples with the same column are interchangeable, so that is drawing examples: at most 3^n numbers a draw instead
    of one per example.
    """
    n, examples = signed.shape
    code = 3 ** np.arange(n) @ (signed.astype(np.int64) + 1)
    _, first, counts = np.unique(code, return_index=True, return_counts=True)

    def draw(random: np.random.Generator, draws: int) -> NDArray[np.float64]:
        return random.multinomial(examples, counts / examples, size=draws).astype(np.float64)

    return signed[:, first].astype(np.float64), draw


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


def geometric_mean(ratios: Sequence[float]) -> float:
    """Average ratios so that 2x and 0.5x cancel."""
    return exp(sum(map(log, ratios)) / len(ratios))

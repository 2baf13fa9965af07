"""From paired results to a verdict: intervals, outcomes, and the word that may be said; knows no network and no file.

Every comparison is paired: replicate i of the ticket and replicate i of the other saw the same data in the same
order, so only their difference is judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketing.certificate.intervals import CONFIDENCE, Interval, bootstrap_interval, student_interval
from ticketing.certificate.words import AS_DENSE, MINIMUM_REPLICATES, Outcome, Verdict

Correct = NDArray[np.bool_]
"""One row per replicate, one column per test example: whether it was classified correctly. Where an example asks for
several classes, as a window of text does, they stand in a third dimension."""


@dataclass(frozen=True)
class Comparison:
    """A ticket against one other network, over the replicates of both. Accuracies are fractions."""

    differences: tuple[float, ...]
    """Ticket minus other, one per replicate."""
    mean: float
    interval: Interval | None
    """Two-sided Student t on the differences; None for fewer than two."""
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
    confidence: float
    """Of every interval: 0.95, or more where several looks share the error (`ticketing.certificate.looks`)."""
    dense: Comparison
    controls: dict[str, Comparison]
    not_beaten: tuple[str, ...]
    """Controls over which the ticket's lower bound is not above zero; of `AS_DENSE` those that it does not match."""


def certify(
    ticket: Correct,
    dense: Correct,
    controls: Mapping[str, Correct],
    *,
    tolerance: float,
    seed: int,
    confidence: float = CONFIDENCE,
) -> Certificate:
    """Judge a ticket by its paired results on the test split.

    `winning`: it matches dense and beats every control that was run, of which there is at least one; those of
    `AS_DENSE` it has to match instead, and they alone are not enough.
    `matching`: it matches dense, but some control is not beaten, or none was run. `losing`: it loses against dense.
    Otherwise, and always with fewer than three replicates, `inconclusive`.

    Args:
        ticket: Its correct answers; rows are replicates.
        dense: Of the dense network trained on the same data in the same order.
        controls: Of each control, by name.
        tolerance: Accuracy (fraction) the ticket may lose against dense and still match; fixed before training.
        seed: Of the bootstrap.
        confidence: Of every interval.
    """
    against_dense = compare(ticket, dense, seed=seed, tolerance=tolerance, confidence=confidence)
    allowed = dict.fromkeys(AS_DENSE, tolerance)
    against = {
        name: compare(ticket, correct, seed=seed, tolerance=allowed.get(name), confidence=confidence)
        for name, correct in controls.items()
    }
    not_beaten = tuple(name for name, found in against.items() if found.outcome not in ("beaten", "matches"))
    verdict: Verdict = "inconclusive"
    if against_dense.outcome == "loses":
        verdict = "losing"
    elif against_dense.outcome == "matches":
        verdict = "winning" if against.keys() - AS_DENSE and not not_beaten else "matching"
    n, resolution = len(ticket), 1 / ticket[0].size
    return Certificate(verdict, n, tolerance, resolution, confidence, against_dense, against, not_beaten)


def compare(
    ticket: Correct, other: Correct, *, seed: int, tolerance: float | None = None, confidence: float = CONFIDENCE
) -> Comparison:
    """Compare a ticket with one other network, replicate by replicate.

    With a tolerance the other is the dense network: the ticket `matches` if the lower bound is above -tolerance and
    `loses` if the upper bound is below it; controls of `AS_DENSE` are compared so too. Without one the other is any
    other control: it is `beaten` if the lower bound is above zero. A bound counts only if the t interval and the
    bootstrap agree on it.

    Args:
        ticket: Correct answers of the ticket; rows are replicates.
        other: Of the other network, same replicates, same examples.
        seed: Of the bootstrap.
        tolerance: Accuracy (fraction); None for a control.
        confidence: Of both intervals.

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
        student_interval(differences, confidence) if several else None,
        bootstrap_interval(signed, seed=seed, confidence=confidence) if several else None,
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


def geometric_mean(ratios: Sequence[float]) -> float:
    """Average ratios so that 2x and 0.5x cancel."""
    return exp(sum(map(log, ratios)) / len(ratios))


def certificate_json(certificate: Certificate) -> dict[str, Any]:
    """Write verdict and comparisons as the report holds them."""
    against = {"dense": certificate.dense, **certificate.controls}
    return {
        "verdict": certificate.verdict,
        "n": certificate.n,
        "confidence": certificate.confidence,
        "against": {name: _comparison_json(comparison) for name, comparison in against.items()},
        "not_beaten": list(certificate.not_beaten),
    }


def _comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Write a comparison as the report holds it; accuracies are fractions."""
    return {
        "differences": list(comparison.differences),
        "mean": comparison.mean,
        "interval": None if comparison.interval is None else list(comparison.interval),
        "bootstrap": None if comparison.bootstrap is None else list(comparison.bootstrap),
        "outcome": comparison.outcome,
    }

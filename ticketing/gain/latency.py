"""How long networks take, measured in turns: what disturbs the machine disturbs all of them alike; runs no network."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

WARM_UP = 3
"""Calls of each that are not counted."""
LEAST, MOST = 21, 400
"""Rounds."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Latency:
    """Of one network among those that were measured in turns; in milliseconds."""

    n: int
    p50: float
    p95: float
    """By nearest rank."""
    faster: float
    """The median over the rounds of the first network's time over its own."""
    interval: tuple[float, float]
    """Of that median, by the sign test: at least 95 %, whatever the times are distributed like."""


def measure(
    networks: Mapping[str, Callable[[], object]],
    *,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
    between: Callable[[], None] = lambda: None,
) -> dict[str, Latency]:
    """Time networks in rounds in which each runs once, the first to run another one in every round.

    Args:
        networks: By name, what runs each; the others are set beside the first.
        seconds: Rounds go on until so many are over, but `LEAST` at least and `MOST` at most.
        clock: In seconds.
        between: Called after every run, outside of its time.
    """
    for run in [run for run in networks.values() for _ in range(WARM_UP)]:
        run()
        between()
    names = list(networks)
    times: dict[str, list[float]] = {name: [] for name in names}
    began = clock()
    for turn in range(MOST):
        if turn >= LEAST and clock() - began >= seconds:
            break
        for place in range(len(names)):
            name = names[(turn + place) % len(names)]
            before = clock()
            networks[name]()
            times[name].append(1000 * (clock() - before))
            between()
    return {name: _latency(of, times[names[0]]) for name, of in times.items()}


def _latency(times: Sequence[float], first: Sequence[float]) -> Latency:
    ratios = sorted(one / own for one, own in zip(first, times, strict=True))
    outer = _sign_test_rank(len(ratios))
    return Latency(
        n=len(times),
        p50=statistics.median(times),
        p95=sorted(times)[math.ceil(0.95 * len(times)) - 1],
        faster=statistics.median(ratios),
        interval=(ratios[outer], ratios[-1 - outer]),
    )


def _sign_test_rank(n: int) -> int:
    """Count the values that the median's interval leaves out on either side of n: the most, k, for which
    2 P(Binomial(n, 1/2) <= k) is at most 5 %."""
    rank, tail = 0, 1 / 2**n
    while 2 * (tail + math.comb(n, rank + 1) / 2**n) <= 1 - CONFIDENCE:
        rank += 1
        tail += math.comb(n, rank) / 2**n
    return rank

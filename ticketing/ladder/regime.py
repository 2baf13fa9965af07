"""Whether a network can still fit its train split, read off the train errors of a ladder alone; knows no network.

| regime          | a level of it                                                                              |
| `interpolating` | has at most 0.1 % train error                                                              |
| `critical`      | is one of the first two above that, after a level that interpolates: the threshold is here |
| `classical`     | is above it otherwise: beyond those two, or before any level that interpolates             |

Double descent has its peak in the critical regime (Belkin et al. 2018, arXiv 1812.11118; for sparsity He et al. 2022,
arXiv 2206.08684). The number of parameters per target, N / (n K), is context and decides nothing: 1 is the threshold
of squared loss, and no condition under cross-entropy.
"""

from collections.abc import Sequence
from typing import Literal

Regime = Literal["interpolating", "critical", "classical"]

INTERPOLATING_ERROR = 0.001
"""The most train error (fraction) of a network that interpolates."""
CRITICAL_LEVELS = 2


def regimes(train_errors: Sequence[float]) -> tuple[Regime, ...]:
    """Name the regime of every level of a ladder.

    A ladder that never interpolates has no threshold in it and is classical throughout; a level that comes back to
    0.1 % is interpolating again.

    Args:
        train_errors: Fractions in [0, 1], the dense network first, ever sparser.
    """
    found: list[Regime] = []
    for error in train_errors:
        if error <= INTERPOLATING_ERROR:
            found.append("interpolating")
        elif "interpolating" in found and found.count("critical") < CRITICAL_LEVELS:
            found.append("critical")
        else:
            found.append("classical")
    return tuple(found)


def parameters_per_target(parameters: int, *, examples: int, classes: int) -> float:
    """Give N / (n K): trained parameters for every number that a network is asked to hit."""
    return parameters / (examples * classes)

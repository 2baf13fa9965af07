"""Widths, parameters and the interpolation threshold of networks with one hidden layer; arithmetic alone.

A network of d inputs, H hidden units and K outputs has N = (d + 1 + K) H + K parameters. Under squared loss n examples
ask for n K numbers: about N = n K the network begins to fit them all (Belkin et al. 2018, arXiv 1812.11118, section 3).
"""

from collections.abc import Sequence

FAR = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 2, 4, 8, 16)
"""Widths away from the threshold, as multiples of the one on it."""
NEAR, NEAR_POINTS = (0.8, 1.2), 6
"""Widths around it, at equal ratios: all within 25 % of n K parameters."""


def parameters_of(width: int, *, inputs: int, classes: int) -> int:
    """Count weights and biases: N = (d + 1 + K) H + K, for MNIST 795 H + 10."""
    return (inputs + 1 + classes) * width + classes


def threshold_width(targets: int, *, inputs: int, classes: int) -> float:
    """Give the width at which there is one parameter for every target; rarely a whole number."""
    return (targets - classes) / (inputs + 1 + classes)


def widths_around(targets: int, *, inputs: int, classes: int) -> tuple[int, ...]:
    """Give the default grid: log-spaced about the threshold, six widths close to it, none twice."""
    middle = threshold_width(targets, inputs=inputs, classes=classes)
    low, high = NEAR
    near = [low * (high / low) ** (i / (NEAR_POINTS - 1)) for i in range(NEAR_POINTS)]
    return tuple(sorted({max(1, round(middle * factor)) for factor in (*FAR, *near)}))


def starts_reused(widths: Sequence[int], *, targets: int, inputs: int, classes: int, reuse: bool) -> tuple[bool, ...]:
    """Say of every width whether it starts from what the one before it trained to: below the threshold alone."""
    return tuple(
        reuse and index > 0 and parameters_of(width, inputs=inputs, classes=classes) < targets
        for index, width in enumerate(widths)
    )


def peak_of(values: Sequence[float]) -> tuple[int, float] | None:
    """Find the most prominent inner maximum: (its index, how far it stands above the higher of its two valleys).

    The valleys are the lowest values before and after it. None where the curve has no inner maximum: it descends once.
    """
    heights = [
        (value - max(min(values[:index]), min(values[index + 1 :])), -index)
        for index, value in enumerate(values)
        if 0 < index < len(values) - 1
    ]
    prominence, index = max(heights, default=(0.0, 0))
    return (-index, prominence) if prominence > 0 else None

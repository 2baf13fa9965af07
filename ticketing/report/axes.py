"""Where numbers lie on a drawing: places in pixels and round ticks; draws nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, log10

WIDTH, HEIGHT = 936, 400
LEFT, RIGHT, TOP, BOTTOM = 84, 128, 18, 54


@dataclass(frozen=True)
class Axes:
    """From values to pixels."""

    x: Callable[[float], float]
    y: Callable[[float], float]


def along_log_density(most: float) -> Callable[[float], float]:
    """Place sparsities along the log of the density: levels that remove equal shares stand at equal distances."""
    end = -log10(max(1 - most, 1e-9)) or 1.0

    def x_of(sparsity: float) -> float:
        return LEFT - log10(max(1 - sparsity, 1e-9)) / end * (WIDTH - LEFT - RIGHT)

    return x_of


def round_ticks(low: float, high: float) -> list[float]:
    """Choose three to eight round values, equally spaced, none above 1, that enclose `low` and `high` (fractions)."""
    span = max(high - low, 0.004)
    step = next(s for s in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2) if span / s <= 6)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    last = min(max(last, first + 2), round(1 / step))
    return [tick * step for tick in range(min(first, last - 2), last + 1)]


def between(low: float, high: float) -> Callable[[float], float]:
    """Place values on the upright axis, `high` at its top."""
    return lambda value: TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)


def percent(value: float, step: float) -> str:
    """Write a tick with as many decimals as its neighbours need."""
    return f"{value:.{0 if step >= 0.0099 else 1}%}".replace("%", " %")

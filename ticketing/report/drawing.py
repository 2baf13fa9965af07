"""Parts of a drawing as SVG text: axes, lines, dots, names at the right end; knows no colours, only class names."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby, pairwise

from ticketing.report.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axes, percent

_TICK_WIDTH = 56
_LABEL_HEIGHT = 17


@dataclass(frozen=True)
class Point:
    """One place on a line: its replicates' mean, and each of them."""

    sparsity: float
    mean: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class Line:
    """One named line; `word` picks its colour from the style sheet."""

    name: str
    word: str
    points: tuple[Point, ...]


def frame(axes: Axes, ticks: Sequence[float], sparsities: Sequence[float], title: str) -> list[str]:
    """Draw what both axes have: rules and ticks upright, a tick for every sparsity below, and their titles."""
    bottom = HEIGHT - BOTTOM
    parts = []
    for tick in ticks:
        y = axes.y(tick)
        parts.append(rule(LEFT, WIDTH - RIGHT, y, y, "grid"))
        parts.append(text(LEFT - 10, y + 4.5, percent(tick, ticks[1] - ticks[0]), anchor="end"))
    free = 0.0
    for x, tick in ((axes.x(sparsity), sparsity) for sparsity in sparsities):
        parts.append(rule(x, x, bottom, bottom + 5, "axis"))
        if x >= free:
            parts.append(text(x, bottom + 21, f"{100 * tick:.3g} %", anchor="middle"))
            free = x + _TICK_WIDTH
    parts.append(rule(LEFT, WIDTH - RIGHT, bottom, bottom, "axis"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "sparsity (weights removed)", "title", "middle"))
    middle = (TOP + bottom) / 2
    parts.append(
        f'<text class="title" text-anchor="middle" transform="rotate(-90 12 {middle:.1f})" x="12" y="{middle:.1f}">'
        f"{escape(title)}</text>"
    )
    return parts


def regimes_of(axes: Axes, sparsities: Sequence[float], regimes: Sequence[str | None]) -> list[str]:
    """Shade the levels of the critical regime and name every regime above its levels; None is not named."""
    xs = [axes.x(sparsity) for sparsity in sparsities]
    middles = [(left + right) / 2 for left, right in pairwise(xs)]
    lefts, rights = [LEFT, *middles], [*middles, WIDTH - RIGHT]
    parts, level = [], 0
    for regime, run in groupby(regimes):
        first, level = level, level + len(list(run))
        left, right = lefts[first], rights[level - 1]
        if regime == "critical":
            size = f'width="{right - left:.1f}" height="{HEIGHT - TOP - BOTTOM}"'
            parts.append(f'<rect class="critical" x="{left:.1f}" y="{TOP}" {size}/>')
        if regime is not None:
            parts.append(text((left + right) / 2, TOP - 5, regime, anchor="middle"))
    return parts


def line_of(line: Line, axes: Axes, *, dots: bool = True, word: str | None = None) -> str:
    """Draw a line, a dot for every point with its replicates' spread; `word` picks another colour than its own."""
    word = word or line.word
    path = " ".join(f"{axes.x(p.sparsity):.1f},{axes.y(p.mean):.1f}" for p in line.points)
    parts = [f'<polyline class="line s-{word}" points="{path}"/>']
    for p in line.points if dots else ():
        x = axes.x(p.sparsity)
        if min(p.values) < max(p.values):
            parts.append(rule(x, x, axes.y(min(p.values)), axes.y(max(p.values)), f"spread s-{word}"))
        spread = f", {min(p.values):.2%} to {max(p.values):.2%}" if len(p.values) > 1 else ""
        note = escape(f"{line.name}, sparsity {p.sparsity:.2%}: {p.mean:.2%} (n = {len(p.values)}{spread})")
        dot = f'<circle class="dot f-{word}" cx="{x:.1f}" cy="{axes.y(p.mean):.1f}" r="4">'
        parts.append(f"{dot}<title>{note}</title></circle>")
    return "".join(parts)


def ring(x: float, y: float, word: str) -> str:
    """Ring a point."""
    return f'<circle class="chosen s-{word}" cx="{x:.1f}" cy="{y:.1f}" r="8"/>'


def labels_of(labels: Sequence[tuple[float, str, str]]) -> list[str]:
    """Name the lines at their right ends, pushed apart where they would overlap, none below the axis."""
    places: list[float] = []
    for y, _, _ in sorted(labels):
        places.append(max(y + 4.5, places[-1] + _LABEL_HEIGHT if places else 0.0))
    ceiling = float(HEIGHT - BOTTOM)
    for index in reversed(range(len(places))):
        places[index] = min(places[index], ceiling)
        ceiling = places[index] - _LABEL_HEIGHT
    return [
        text(WIDTH - RIGHT + 14, y, name if len(name) <= 17 else "…" + name[-16:], f"label {word}")
        for y, (_, name, word) in zip(places, sorted(labels), strict=True)
    ]


def rule(x1: float, x2: float, y1: float, y2: float, word: str) -> str:
    """Draw a straight line."""
    return f'<line class="{word}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def text(x: float, y: float, words: str, word: str = "", anchor: str = "start") -> str:
    """Write a text; every one is escaped."""
    return f'<text class="{word}" text-anchor="{anchor}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def svg(parts: Sequence[str], title: str) -> str:
    """Put the parts together as one drawing."""
    body = "".join(parts)
    return f'<svg class="figure" role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {HEIGHT}">{body}</svg>'

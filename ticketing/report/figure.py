"""Lines on axes as SVG text: accuracy against sparsity, density per layer; knows no colours, only class names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, log10
from typing import Any

from ticketing.report.axes import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axes,
    along_log_density,
    between,
    percent,
    round_ticks,
)

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


def accuracy_figure(levels: Sequence[Mapping[str, Any]], *, delivered: int | None) -> str:
    """Draw accuracy against sparsity: the ticket and its controls with every replicate's spread, dense as a rule.

    Test accuracy where a certificate was made, else the validation accuracy of the search.

    Args:
        levels: `levels` of the report.
        delivered: The level that was handed out; ringed.
    """
    tested = [_tested(levels, word) for word in ("ticket", "reinit", "shuffle")]
    lines = [line for line in tested if line.points] or [_validated(levels)]
    dense = _tested(levels, "dense", from_level=0)
    values = [value for line in lines for point in line.points for value in (*point.values, point.mean)]
    values += [point.mean for point in dense.points[:1]]
    ticks = round_ticks(min(values), max(values))
    most = max(point.sparsity for line in lines for point in line.points)
    axes = Axes(along_log_density(most), between(ticks[0], ticks[-1]))
    sparsities = [level["sparsity"] for level in levels]
    parts = _frame(axes, ticks, sparsities, "accuracy" + (" on test" if tested[0].points else " on validation"))
    labels = []
    if dense.points:
        y = axes.y(dense.points[0].mean)
        parts.append(_rule(LEFT, WIDTH - RIGHT, y, y, "s-dense"))
        labels.append((y, f"dense {dense.points[0].mean:.1%}", "f-dense"))
    for line in reversed(lines):
        parts.append(_line(line, axes))
        labels.append((axes.y(line.points[-1].mean), line.name, f"f-{line.word}"))
    chosen = [point for point in lines[0].points if delivered and _is(levels, point, delivered)]
    parts += [_ring(axes.x(p.sparsity), axes.y(p.mean), lines[0].word) for p in chosen]
    return _svg([*parts, *_labels(labels)], "Accuracy against sparsity")


def density_figure(levels: Sequence[Mapping[str, Any]]) -> str:
    """Draw the density of every layer against the sparsity of the whole, both axes logarithmic.

    Up to four layers are coloured and named; of more, the two densest and the two sparsest at the last level.
    """
    names = [layer["name"] for layer in levels[0]["layers"]]
    lines = [_layer(levels, index, name) for index, name in enumerate(names)]
    by_end = sorted(lines, key=lambda line: -line.points[-1].mean)
    named = by_end if len(by_end) <= 4 else [*by_end[:2], *by_end[-2:]]
    least = min(point.mean for line in lines for point in line.points)
    decades = max(1, ceil(-log10(least) - 1e-9))
    ticks = [digit * 10.0**-power for power in range(decades, 0, -1) for digit in (1, 2, 5)] + [1.0]
    most = levels[-1]["sparsity"]

    def y_of(density: float) -> float:
        return TOP + -log10(max(density, ticks[0])) / decades * (HEIGHT - TOP - BOTTOM)

    axes = Axes(along_log_density(most), y_of)
    parts = _frame(axes, ticks, [level["sparsity"] for level in levels], "kept share of the layer")
    parts += [_line(line, axes, dots=False, word="quiet") for line in lines if line not in named]
    parts += [_line(line, axes, dots=False, word=f"layer{rank}") for rank, line in enumerate(named)]
    labels = [(axes.y(line.points[-1].mean), line.name, f"f-layer{rank}") for rank, line in enumerate(named)]
    return _svg([*parts, *_labels(labels)], "Density of every layer against sparsity")


def _tested(levels: Sequence[Mapping[str, Any]], word: str, *, from_level: int = 1) -> Line:
    found = []
    for level in levels:
        result = (level.get("test") or {}).get(word)
        if result and level["level"] >= from_level:
            found.append(Point(level["sparsity"], result["mean"], tuple(result["values"])))
    return Line(word, word, tuple(found))


def _validated(levels: Sequence[Mapping[str, Any]]) -> Line:
    points = [(level["sparsity"], level["validation"]["accuracy"]) for level in levels]
    return Line("search", "ticket", tuple(Point(s, accuracy, (accuracy,)) for s, accuracy in points))


def _layer(levels: Sequence[Mapping[str, Any]], index: int, name: str) -> Line:
    rows = [(level["sparsity"], level["layers"][index]) for level in levels]
    points = [(s, layer["kept"] / layer["total"]) for s, layer in rows if layer["kept"]]
    return Line(name, "layer", tuple(Point(s, density, (density,)) for s, density in points))


def _is(levels: Sequence[Mapping[str, Any]], point: Point, level: int) -> bool:
    return any(row["level"] == level and row["sparsity"] == point.sparsity for row in levels)


def _frame(axes: Axes, ticks: Sequence[float], sparsities: Sequence[float], title: str) -> list[str]:
    bottom = HEIGHT - BOTTOM
    parts = []
    for tick in ticks:
        y = axes.y(tick)
        parts.append(_rule(LEFT, WIDTH - RIGHT, y, y, "grid"))
        parts.append(_text(LEFT - 10, y + 4.5, percent(tick, ticks[1] - ticks[0]), anchor="end"))
    free = 0.0
    for x, tick in ((axes.x(sparsity), sparsity) for sparsity in sparsities):
        parts.append(_rule(x, x, bottom, bottom + 5, "axis"))
        if x >= free:
            parts.append(_text(x, bottom + 21, f"{100 * tick:.3g} %", anchor="middle"))
            free = x + _TICK_WIDTH
    parts.append(_rule(LEFT, WIDTH - RIGHT, bottom, bottom, "axis"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "sparsity (weights removed)", "title", "middle"))
    middle = (TOP + bottom) / 2
    parts.append(
        f'<text class="title" text-anchor="middle" transform="rotate(-90 12 {middle:.1f})" x="12" y="{middle:.1f}">'
        f"{escape(title)}</text>"
    )
    return parts


def _line(line: Line, axes: Axes, *, dots: bool = True, word: str | None = None) -> str:
    word = word or line.word
    path = " ".join(f"{axes.x(p.sparsity):.1f},{axes.y(p.mean):.1f}" for p in line.points)
    parts = [f'<polyline class="line s-{word}" points="{path}"/>']
    for p in line.points if dots else ():
        x = axes.x(p.sparsity)
        if min(p.values) < max(p.values):
            parts.append(_rule(x, x, axes.y(min(p.values)), axes.y(max(p.values)), f"spread s-{word}"))
        spread = f", {min(p.values):.2%} to {max(p.values):.2%}" if len(p.values) > 1 else ""
        note = escape(f"{line.name}, sparsity {p.sparsity:.2%}: {p.mean:.2%} (n = {len(p.values)}{spread})")
        dot = f'<circle class="dot f-{word}" cx="{x:.1f}" cy="{axes.y(p.mean):.1f}" r="4">'
        parts.append(f"{dot}<title>{note}</title></circle>")
    return "".join(parts)


def _ring(x: float, y: float, word: str) -> str:
    return f'<circle class="chosen s-{word}" cx="{x:.1f}" cy="{y:.1f}" r="8"/>'


def _labels(labels: Sequence[tuple[float, str, str]]) -> list[str]:
    """Name the lines at their right ends, pushed apart where they would overlap, none below the axis."""
    places: list[float] = []
    for y, _, _ in sorted(labels):
        places.append(max(y + 4.5, places[-1] + _LABEL_HEIGHT if places else 0.0))
    ceiling = float(HEIGHT - BOTTOM)
    for index in reversed(range(len(places))):
        places[index] = min(places[index], ceiling)
        ceiling = places[index] - _LABEL_HEIGHT
    return [
        _text(WIDTH - RIGHT + 14, y, name if len(name) <= 17 else "…" + name[-16:], f"label {word}")
        for y, (_, name, word) in zip(places, sorted(labels), strict=True)
    ]


def _rule(x1: float, x2: float, y1: float, y2: float, word: str) -> str:
    return f'<line class="{word}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, word: str = "", anchor: str = "start") -> str:
    return f'<text class="{word}" text-anchor="{anchor}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _svg(parts: Sequence[str], title: str) -> str:
    body = "".join(parts)
    return f'<svg class="figure" role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {HEIGHT}">{body}</svg>'

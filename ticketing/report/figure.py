"""Lines on axes as SVG text: accuracy against sparsity, density per layer; knows no colours, only class names."""

from collections.abc import Mapping, Sequence
from math import ceil, log10
from typing import Any

from ticketing.report import words
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
    round_ticks,
)
from ticketing.report.drawing import Line, Point, frame, labels_of, line_of, regimes_of, ring, rule, svg


def accuracy_figure(levels: Sequence[Mapping[str, Any]], *, delivered: int | None) -> str:
    """Draw accuracy against sparsity: the ticket and its controls with every replicate's spread, dense as a rule.

    Test accuracy where a certificate was made, else the validation accuracy of the search.

    Args:
        levels: `levels` of the report.
        delivered: The level that was handed out; ringed.
    """
    tested = [_tested(levels, word) for word in words.BRANCHES if word != "dense"]
    lines = [line for line in tested if line.points] or [_validated(levels)]
    dense = _tested(levels, "dense", from_level=0)
    values = [value for line in lines for point in line.points for value in (*point.values, point.mean)]
    values += [point.mean for point in dense.points[:1]]
    ticks = round_ticks(min(values), max(values))
    most = max(point.sparsity for line in lines for point in line.points)
    axes = Axes(along_log_density(most), between(ticks[0], ticks[-1]))
    sparsities = [level["sparsity"] for level in levels]
    parts = regimes_of(axes, sparsities, [level.get("regime") for level in levels])
    parts += frame(axes, ticks, sparsities, "accuracy" + (" on test" if tested[0].points else " on validation"))
    labels = []
    if dense.points:
        y = axes.y(dense.points[0].mean)
        parts.append(rule(LEFT, WIDTH - RIGHT, y, y, "s-dense"))
        labels.append((y, f"dense {dense.points[0].mean:.1%}", "f-dense"))
    for line in reversed(lines):
        parts.append(line_of(line, axes))
        labels.append((axes.y(line.points[-1].mean), line.name, f"f-{line.word}"))
    chosen = [point for point in lines[0].points if delivered and _is(levels, point, delivered)]
    parts += [ring(axes.x(p.sparsity), axes.y(p.mean), lines[0].word) for p in chosen]
    return svg([*parts, *labels_of(labels)], "Accuracy against sparsity")


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
    parts = frame(axes, ticks, [level["sparsity"] for level in levels], "kept share of the layer")
    parts += [line_of(line, axes, dots=False, word="quiet") for line in lines if line not in named]
    parts += [line_of(line, axes, dots=False, word=f"layer{rank}") for rank, line in enumerate(named)]
    labels = [(axes.y(line.points[-1].mean), line.name, f"f-layer{rank}") for rank, line in enumerate(named)]
    return svg([*parts, *labels_of(labels)], "Density of every layer against sparsity")


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

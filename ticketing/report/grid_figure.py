"""What a grid found as drawings: accuracy against sparsity, and what each axis does; knows no colours."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ticketing.report.axes import (
    BOTTOM,
    HEIGHT,
    LEFT,
    TOP,
    WIDTH,
    Axes,
    along_log_density,
    between,
    percent,
    round_ticks,
)
from ticketing.report.drawing import Line, Point, frame, labels_of, line_of, ring, rule, svg, text
from ticketing.report.grid_document import same
from ticketing.report.grid_words import axis_name, point_of, value_of

COLOURED = 4
"""Lines, or values of an axis, that get a colour and a name each; of more, the best alone."""
MAX_VALUES = 12
"""Of an axis that is drawn; more would stand on top of each other."""
_SEED = "/seed"
_PANEL_GAP = 48
_SIDE_BY_SIDE = 3


def ladders_figure(report: Mapping[str, Any]) -> str | None:
    """Draw validation accuracy against sparsity, one line per point of the grid, seeds of one point as its spread.

    Up to four lines are coloured and named; of more, the one with the best point. A ring marks the best ticket. None
    when nothing was measured.
    """
    groups = _by_all_but_seed(report["points"])
    lines = [line for line in (_ladder(*group) for group in groups) if line.points]
    if not lines:
        return None
    best = report["best"]
    best_name = None if best is None else _name(best["point"])
    few = len(lines) <= COLOURED
    words = {
        line.name: f"layer{rank}" if few else "ticket" if line.name == best_name else "quiet"
        for rank, line in enumerate(lines)
    }
    values = [value for line in lines for point in line.points for value in point.values]
    ticks = round_ticks(min(values), max(values))
    sparsities = sorted({round(point.sparsity, 4) for line in lines for point in line.points})
    axes = Axes(along_log_density(sparsities[-1]), between(ticks[0], ticks[-1]))
    parts = frame(axes, ticks, sparsities, "accuracy on validation")
    front = [line for line in lines if words[line.name] != "quiet"]
    parts += [line_of(line, axes, dots=False, word="quiet") for line in lines if line not in front]
    parts += [line_of(line, axes, word=words[line.name]) for line in reversed(front)]
    if best is not None:
        parts.append(ring(axes.x(best["sparsity"]), axes.y(best["value"]), words.get(best_name or "", "ticket")))
    ends = {line.name: axes.y(line.points[-1].mean) for line in front}
    labels = [(y, name if few else "best", f"f-{words[name]}") for name, y in ends.items()]
    return svg([*parts, *labels_of(labels)], "Accuracy against sparsity")


def effects_figure(report: Mapping[str, Any]) -> str | None:
    """Draw what each axis does: the ticket's validation accuracy of every point at each value, with their mean.

    Axes with one value, or with more than can be told apart, are left out. None when none is left or nothing succeeded.
    """
    done = [row for row in report["points"] if row["validation_accuracy"] is not None]
    shown = [axis for axis in report["axes"] if 2 <= len(axis["values"]) <= MAX_VALUES]
    if not done or not shown:
        return None
    accuracies = [row["validation_accuracy"] for row in done]
    ticks = round_ticks(min(accuracies), max(accuracies))
    y_of = between(ticks[0], ticks[-1])
    apart = ticks[1] - ticks[0]
    parts = [text(LEFT - 10, y_of(tick) + 4.5, percent(tick, apart), anchor="end") for tick in ticks]
    panels = shown[:_SIDE_BY_SIDE]
    width = (WIDTH - LEFT - (len(panels) - 1) * _PANEL_GAP) / len(panels)
    for place, axis in enumerate(panels):
        left = LEFT + place * (width + _PANEL_GAP)
        parts += [rule(left, left + width, y_of(tick), y_of(tick), "grid") for tick in ticks]
        parts += _panel(axis, done, left=left, width=width, y_of=y_of)
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text class="title" text-anchor="middle" transform="rotate(-90 12 {middle:.1f})" x="12" y="{middle:.1f}">'
        "ticket, on validation</text>"
    )
    return svg(parts, "What each axis does")


def _panel(
    axis: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], *, left: float, width: float, y_of: Any
) -> list[str]:
    bottom = HEIGHT - BOTTOM
    room = width / len(axis["values"])
    parts = [rule(left, left + width, bottom, bottom, "axis")]
    for index, value in enumerate(axis["values"]):
        x = left + (index + 0.5) * room
        mine = [row for row in rows if same(row["point"][axis["pointer"]], value)]
        word = f"layer{index}" if len(axis["values"]) <= COLOURED else "ticket"
        written = value_of(value)
        most = max(4, int(room / 7))
        parts.append(text(x, bottom + 21, written if len(written) <= most else written[: most - 1] + "…", "", "middle"))
        for row in mine:
            note = f"{point_of(row['point'])}: {row['validation_accuracy']:.2%}"
            parts.append(_dot(x, y_of(row["validation_accuracy"]), word, note))
        if mine:
            mean = y_of(sum(row["validation_accuracy"] for row in mine) / len(mine))
            reach = min(22.0, room * 0.35)
            parts.append(rule(x - reach, x + reach, mean, mean, f"line s-{word}"))
    parts.append(text(left + width / 2, HEIGHT - 8, axis_name(axis["pointer"]), "title", "middle"))
    return parts


def _dot(x: float, y: float, word: str, note: str) -> str:
    return f'<circle class="dot f-{word}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(note)}</title></circle>'


def _by_all_but_seed(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(_name(row["point"]), []).append(row)
    return list(groups.items())


def _name(point: Mapping[str, Any]) -> str:
    others = {pointer: value for pointer, value in point.items() if pointer != _SEED}
    return point_of(others) or "all seeds"


def _ladder(name: str, rows: Sequence[Mapping[str, Any]]) -> Line:
    """Average the ladders of one point's seeds, level by level."""
    by_level: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        for level in row["levels"]:
            if level["validation_accuracy"] is not None:
                by_level.setdefault(level["level"], []).append(level)
    points = []
    for _, levels in sorted(by_level.items()):
        values = tuple(level["validation_accuracy"]["mean"] for level in levels)
        sparsity = sum(level["sparsity"] for level in levels) / len(levels)
        points.append(Point(sparsity, sum(values) / len(values), values))
    return Line(name, "ticket", tuple(points))

"""Double descent as SVG text: losses or errors of train and test against the number of parameters; knows no colours."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any

from ticketing.report.axes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axes, between
from ticketing.report.drawing import labels_of, rule, svg, text

_TICK_WIDTH = 44


def capacity_figure(capacity: Mapping[str, Any], measure: str) -> str:
    """Draw `loss` or `error` of every width, train and test, every repeat's spread, and the threshold n K as a rule.

    Args:
        capacity: Of the report.
        measure: `loss` or `error`.
    """
    points = capacity["points"]
    counts = [point["parameters"] for point in points]
    values = [v for p in points for split in ("train", "test") for v in p[f"{split}_{measure}"]["values"]]
    ticks = _ticks(max(values))
    left, right = log10(counts[0]), log10(counts[-1])

    def x_of(parameters: float) -> float:
        return LEFT + (log10(parameters) - left) / (right - left) * (WIDTH - LEFT - RIGHT)

    axes = Axes(x_of, between(0.0, ticks[-1]))
    parts = _frame(axes, ticks, points, measure)
    threshold = capacity["threshold"]["parameters"]
    if counts[0] <= threshold <= counts[-1]:
        x = axes.x(threshold)
        parts += [rule(x, x, TOP, HEIGHT - BOTTOM, "s-dense"), text(x, TOP - 5, "N = n K", anchor="middle")]
    labels = []
    for split, word in (("train", "reinit"), ("test", "ticket")):
        parts.append(_line(points, f"{split}_{measure}", axes, split, word))
        labels.append((axes.y(points[-1][f"{split}_{measure}"]["mean"]), split, f"f-{word}"))
    return svg([*parts, *labels_of(labels)], f"Train and test {measure} against the number of parameters")


def _ticks(high: float) -> list[float]:
    """Choose four to ten round values from 0 to at least `high`."""
    power = 10.0 ** floor(log10(high)) if high > 0 else 1.0
    step = next(s * power for s in (0.2, 0.5, 1.0, 2.0) if high / (s * power) <= 8)
    return [step * tick for tick in range(max(2, ceil(high / step - 1e-9)) + 1)]


def _frame(axes: Axes, ticks: Sequence[float], points: Sequence[Mapping[str, Any]], measure: str) -> list[str]:
    bottom, parts = HEIGHT - BOTTOM, []
    for tick in ticks:
        y = axes.y(tick)
        parts.append(rule(LEFT, WIDTH - RIGHT, y, y, "grid"))
        parts.append(
            text(LEFT - 10, y + 4.5, f"{100 * tick:.3g} %" if measure == "error" else f"{tick:.3g}", "", "end")
        )
    free = 0.0
    for point in points:
        x = axes.x(point["parameters"])
        parts.append(rule(x, x, bottom, bottom + 5, "axis"))
        if x >= free:
            parts.append(text(x, bottom + 21, str(point["width"]), anchor="middle"))
            free = x + _TICK_WIDTH
    parts.append(rule(LEFT, WIDTH - RIGHT, bottom, bottom, "axis"))
    title = "hidden units, placed along the log of the number of parameters"
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, title, "title", "middle"))
    middle = (TOP + bottom) / 2
    turned = f'transform="rotate(-90 12 {middle:.1f})" x="12" y="{middle:.1f}"'
    parts.append(f'<text class="title" text-anchor="middle" {turned}>{escape(measure)}</text>')
    return parts


def _line(points: Sequence[Mapping[str, Any]], name: str, axes: Axes, split: str, word: str) -> str:
    places = [(axes.x(p["parameters"]), p[name], p["width"]) for p in points]
    path = " ".join(f"{x:.1f},{axes.y(found['mean']):.1f}" for x, found, _ in places)
    parts = [f'<polyline class="line s-{word}" points="{path}"/>']
    for x, found, width in places:
        low, high = min(found["values"]), max(found["values"])
        if low < high:
            parts.append(rule(x, x, axes.y(low), axes.y(high), f"spread s-{word}"))
        note = f"{split}, width {width}: {found['mean']:.4g} (n = {found['n']}, {low:.4g} to {high:.4g})"
        dot = f'<circle class="dot f-{word}" cx="{x:.1f}" cy="{axes.y(found["mean"]):.1f}" r="4">'
        parts.append(f"{dot}<title>{escape(note)}</title></circle>")
    return "".join(parts)

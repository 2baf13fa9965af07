"""Draws what an experiment found as SVG: panels side by side, lines with the spread of their replicates."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT, LEFT, TOP, GAP, BELOW = 330, 220, 62, 34, 84, 92
COLORS = ("#0b6e8a", "#c2571a", "#5b7f2b", "#7a4b9b", "#8a6d0b", "#a3224f", "#3c5a99", "#555555")
ROW = 16
"""Height of a line of the legend, which stands below each panel."""

Points = Sequence[tuple[float, Sequence[float]]]
"""(x, values of the replicates), from left to right."""


@dataclass(frozen=True)
class Panel:
    """One pair of axes; each line has its place's colour, in order."""

    title: str
    lines: Mapping[str, Points]
    x_label: str
    y_label: str
    log_x: bool = False
    falling_x: bool = False
    """Whether x falls from left to right, as the share of weights kept does in the papers."""
    marks: Mapping[str, float] = field(default_factory=dict)
    """Upright dashed lines at these x, named."""


def figure(panels: Sequence[Panel], *, title: str) -> str:
    """Draw the panels, each with its legend below."""
    total = LEFT + len(panels) * (WIDTH + GAP)
    rows = max((len(panel.lines) + 1) // 2 for panel in panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {HEIGHT + BELOW + ROW * rows}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="11"><title>{escape(title)}</title>',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for number, panel in enumerate(panels):
        parts += _panel(LEFT + number * (WIDTH + GAP), panel)
    return "\n".join([*parts, "</svg>\n"])


def _panel(left: float, panel: Panel) -> list[str]:
    points = [point for line in panel.lines.values() for point in line]
    scale = math.log10 if panel.log_x else float
    low_x, high_x = min(scale(x) for x, _ in points), max(scale(x) for x, _ in points)
    ticks = _ticks(min(min(ys) for _, ys in points), max(max(ys) for _, ys in points))

    def place(x: float) -> float:
        share = (scale(x) - low_x) / ((high_x - low_x) or 1)
        return left + WIDTH * (1 - share if panel.falling_x else share)

    def height(y: float) -> float:
        return TOP + HEIGHT * (1 - (y - ticks[0]) / (ticks[-1] - ticks[0]))

    middle = f"{left - 48:.0f} {TOP + HEIGHT / 2}"
    parts = [
        f'<text x="{left}" y="{TOP - 14}" font-weight="600">{escape(panel.title)}</text>',
        f'<text x="{left - 48:.0f}" y="{TOP + HEIGHT / 2}" transform="rotate(-90 {middle})" text-anchor="middle">'
        f"{escape(panel.y_label)}</text>",
        f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 30}" text-anchor="middle">{escape(panel.x_label)}</text>',
    ]
    for tick in ticks:
        y = height(tick)
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{left + WIDTH}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 5}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{tick:g}</text>')
    last = -math.inf
    for x in sorted({x for x, _ in points}, key=place):
        if place(x) - last >= 40:
            last = place(x)
            parts.append(
                f'<text x="{last:.1f}" y="{TOP + HEIGHT + 14}" text-anchor="middle" fill="#555">{x:.3g}</text>'
            )
    for name, x in panel.marks.items():
        at = place(x)
        parts.append(
            f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{TOP + HEIGHT}" stroke="#999"'
            f' stroke-dasharray="4 4"/><text x="{at + 4:.1f}" y="{TOP + 10}" fill="#666">{escape(name)}</text>'
        )
    for name, line in panel.lines.items():
        color = _color(name, list(panel.lines))
        path = " ".join(f"{place(x):.1f},{height(sum(ys) / len(ys)):.1f}" for x, ys in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        for x, ys in line:
            if len(ys) > 1:
                ends = f'y1="{height(min(ys)):.1f}" x2="{place(x):.1f}" y2="{height(max(ys)):.1f}"'
                parts.append(f'<line x1="{place(x):.1f}" {ends} stroke="{color}" stroke-opacity=".5"/>')
    for number, name in enumerate(panel.lines):
        color = _color(name, list(panel.lines))
        x, y = left + number % 2 * WIDTH / 2, TOP + HEIGHT + 50 + number // 2 * ROW
        parts.append(f'<line x1="{x}" y1="{y}" x2="{x + 18}" y2="{y}" stroke="{color}" stroke-width="2"/>')
        parts.append(f'<text x="{x + 23}" y="{y + 4}" font-size="9.5">{escape(name)}</text>')
    return parts


def _ticks(low: float, high: float) -> list[float]:
    """Choose four to eight round values that enclose both."""
    span = (high - low) or abs(high) or 1.0
    size = 10.0 ** math.floor(math.log10(span))
    step = next(s * size / 10 for s in (1, 2, 2.5, 5, 10, 20) if span / (s * size / 10) <= 7)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(tick * step, 10) for tick in range(first, max(last, first + 1) + 1)]


def _color(name: str, names: Sequence[str]) -> str:
    return COLORS[list(names).index(name) % len(COLORS)]

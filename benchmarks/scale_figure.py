"""Draws cost curves as SVG: one panel per operation, both axes logarithmic; knows nothing of what was measured."""

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 190, 48, 34, 56
COLORS = ("#0b6e8a", "#c2571a", "#5b7f2b", "#7a4b9b")
Series = Mapping[str, Sequence[tuple[float, float]]]
"""Name -> points; a name that ends in `p99` is drawn dashed in the colour of the one before it."""


def curves(panels: Mapping[str, Series], *, x_label: str, y_label: str, title: str) -> str:
    """Draw panels side by side on one pair of scales."""
    points = [point for series in panels.values() for line in series.values() for point in line]
    xs, ys = _decades([x for x, _ in points]), _decades([y for _, y in points])
    total = LEFT + len(panels) * (WIDTH + GAP)
    names = list(next(iter(panels.values())))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {HEIGHT + 96}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="11"><title>{escape(title)}</title>',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="12" y="{TOP + HEIGHT / 2}" transform="rotate(-90 12 {TOP + HEIGHT / 2})" text-anchor="middle">'
        f"{escape(y_label)}</text>",
    ]
    for number, (name, series) in enumerate(panels.items()):
        parts += _panel(LEFT + number * (WIDTH + GAP), name, series, xs, ys, x_label)
    for number, name in enumerate(names):
        x, y = LEFT + number * 150, HEIGHT + TOP + 52
        parts.append(f'<line x1="{x}" y1="{y}" x2="{x + 24}" y2="{y}" {_style(number, names)}/>')
        parts.append(f'<text x="{x + 30}" y="{y + 4}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _panel(left: float, name: str, series: Series, xs: list[int], ys: list[int], x_label: str) -> list[str]:
    def at(point: tuple[float, float]) -> str:
        x = left + WIDTH * (math.log10(point[0]) - xs[0]) / max(1, xs[-1] - xs[0])
        y = TOP + HEIGHT * (1 - (math.log10(point[1]) - ys[0]) / max(1, ys[-1] - ys[0]))
        return f"{x:.1f},{y:.1f}"

    parts = [f'<text x="{left}" y="{TOP - 12}" font-weight="600">{escape(name)}</text>']
    for power in ys:
        y = at((10.0 ** xs[0], 10.0**power)).split(",")[1]
        parts.append(f'<line x1="{left}" y1="{y}" x2="{left + WIDTH}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 4}" y="{y}" text-anchor="end" dy="4" fill="#555">{10.0**power:g}</text>')
    for power in xs:
        x = at((10.0**power, 10.0 ** ys[0])).split(",")[0]
        parts.append(f'<text x="{x}" y="{TOP + HEIGHT + 15}" text-anchor="middle" fill="#555">{10**power:,}</text>')
    parts.append(f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 32}" text-anchor="middle">{escape(x_label)}</text>')
    for number, line in enumerate(series.values()):
        style = _style(number, list(series))
        parts.append(f'<polyline points="{" ".join(map(at, line))}" fill="none" {style}/>')
    return parts


def _style(number: int, names: Sequence[str]) -> str:
    tail = names[number].endswith("p99")
    color = COLORS[sum(not name.endswith("p99") for name in names[: number + 1]) - 1]
    return f'stroke="{color}" stroke-width="2"' + (' stroke-dasharray="5 4"' if tail else "")


def _decades(values: Sequence[float]) -> list[int]:
    return list(range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1))

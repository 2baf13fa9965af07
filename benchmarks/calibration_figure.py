"""Draws rates with their intervals as SVG, one panel per question; knows nothing of how they were counted."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ticketing.report.drawing import rule

ROW, LEFT, WIDTH, TOP, GAP = 20, 190, 520, 40, 34
NAMES = {
    "real_severe": "False, real, digits",
    "simulated_digits": "False, simulated, digits",
    "simulated_mnist": "False, simulated, MNIST",
}


def figure(kept: Mapping[str, Any]) -> str:
    """Draw how often `winning` was said: falsely (scale to 20 %, the bound at 5 %), and rightly (scale to 100 %)."""
    panels: list[tuple[str, Mapping[str, Any], float]] = [
        (title, kept[name], 0.2) for name, title in NAMES.items() if name in kept
    ]
    for name, title in (("power_mnist", "Right, MNIST"), ("power_digits", "Right, digits")):
        panels += [(f"{title}, {gain} points", rates, 1.0) for gain, rates in kept.get(name, {}).items()]
    y, parts = TOP, []
    for title, rates, most in panels:
        parts += _panel(title, rates, most, y)
        y += (len(rates) + 1) * ROW + GAP
    title = "How often the certificate says winning"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 150} {y}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="12"><title>{title}</title>'
        "<style>.grid{stroke:#ddd}.bound{stroke:#c2571a;stroke-dasharray:4 3}.spread{stroke:#0b6e8a;stroke-width:2}"
        f'</style><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _panel(title: str, rates: Mapping[str, Any], most: float, top: float) -> Sequence[str]:
    def at(share: float) -> float:
        return LEFT + WIDTH * min(share, most) / most

    bottom = top + len(rates) * ROW
    parts = [f'<text x="12" y="{top - 8}" font-weight="600">{escape(title)}</text>']
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = at(tick * most)
        parts.append(rule(x, x, top, bottom, "grid"))
        parts.append(f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle" fill="#555">{tick * most:.0%}</text>')
    if most < 1:
        parts.append(rule(at(0.05), at(0.05), top, bottom, "bound"))
    for number, (name, found) in enumerate(rates.items()):
        y = top + (number + 0.5) * ROW
        parts.append(f'<text x="12" y="{y + 4}">{escape(name)}</text>')
        parts.append(rule(at(found["interval"][0]), at(found["interval"][1]), y, y, "spread"))
        parts.append(f'<circle cx="{at(found["rate"]):.1f}" cy="{y}" r="4" fill="#0b6e8a"/>')
        told = f"{found['winning']} of {found['of']}"
        parts.append(f'<text x="{LEFT + WIDTH + 14}" y="{y + 4}" fill="#555">{told}</text>')
    return parts

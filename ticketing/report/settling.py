"""How the channels of an early-bird search settled: sentences, a table and the picture of distances; adds no figure."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ticketing.report import words
from ticketing.report.drawing import text
from ticketing.report.markup import table

SIDE = 300
"""Of a picture of distances, in the units of its view box."""
MARGIN = 34


def settling_sentence(report: words.Report) -> str:
    """Say when the delivered share settled in every search, and what that spared."""
    found, cost = report["settling"][-1], report["cost"]
    share, epochs = words.percent(found["channel_sparsity"]), found["found"]
    last = f"the last mask, after {found['epochs_watched']} epochs, counts"
    if None in epochs:
        when = f"had not settled in {epochs.count(None)} of {len(epochs)} searches, where {last}"
    else:
        when = f"settled at epoch {', '.join(map(str, epochs))}"
    spared = cost["train_prune_retrain_over_delivered"]
    longer = cost["train_prune_retrain_seconds"] / cost["delivered_seconds"]
    return (
        f"The choice of the {share} of channels to remove {when}. Search and slim training together took "
        f"{words.number(cost['delivered_flops'])} operations; one dense training and the slim network trained as "
        f"long again would take {spared:.2f} times as many, and {longer:.2f} times as long at the same pace."
    )


def section(report: words.Report) -> str:
    """Draw how every watched share settled, as a part of the page."""
    rule = report["recipe"]["rule"].replace("_", " ")
    several = "kinds" in report["levels"][-1]["channels"]
    of_kinds = ", of heads or of units, the larger" if several else ""
    note = (
        f"Rule: {rule}, window {report['recipe']['window']}, threshold {report['recipe']['threshold']:g}. The distance "
        f"of two masks is the fraction of channels on which they differ{of_kinds}; divided by that of two random "
        "choices of as many channels it is about 1 where nothing has settled. Of the first search."
    )
    pictures = "".join(picture(found) for found in report["settling"])
    caption = "Distance of the masks of any two epochs: light is near, dark is far; the ring marks the epoch found."
    return (
        f"<h2>How the channels settled</h2><p>{escape(settling_sentence(report))}</p>{table(_HEAD, _rows(report))}"
        f'<p class="note">{escape(note)}</p><figure>{pictures}<figcaption>{caption}</figcaption></figure>'
    )


_HEAD = ["level", "channels removed", "found", "distances that decide at that epoch", "over chance", "by chance"]


def _rows(report: words.Report) -> list[list[str]]:
    return [_row(found) for found in report["settling"]]


def _row(found: Mapping[str, Any]) -> list[str]:
    deciding, chance = found["deciding_distances"], found["distance_by_chance"]
    tells = " (threshold tells little)" if found["threshold_uninformative"] else ""
    return [
        str(found["level"]),
        words.percent(found["channel_sparsity"]),
        ", ".join("not settled" if at is None else f"epoch {at}" for at in found["found"]),
        ", ".join(f"{value:.3f}" for value in deciding),
        f"{max(deciding, default=0) / chance:.2f}",
        f"{chance:.3f}{tells}",
    ]


def picture(found: Mapping[str, Any]) -> str:
    """Draw the matrix of distances, the first epoch at the top left."""
    matrix: Sequence[Sequence[float]] = found["distances"]
    cell, most = SIDE / len(matrix), max(max(row) for row in matrix) or 1.0
    parts = [f'<rect class="near" x="{MARGIN}" y="{MARGIN}" width="{SIDE}" height="{SIDE}"/>']
    parts += [
        f'<rect class="distance" x="{MARGIN + column * cell:.1f}" y="{MARGIN + row * cell:.1f}" width="{cell:.2f}" '
        f'height="{cell:.2f}" fill-opacity="{value / most:.3f}"/>'
        for row, values in enumerate(matrix)
        for column, value in enumerate(values)
    ]
    for epoch in sorted({1, len(matrix)}):
        place = MARGIN + (epoch - 0.5) * cell
        parts += [
            text(place, MARGIN - 8, str(epoch), anchor="middle"),
            text(MARGIN - 8, place + 4, str(epoch), anchor="end"),
        ]
    if (epoch := found["found"][0]) is not None:
        centre = MARGIN + (epoch - 0.5) * cell
        parts.append(f'<circle class="found" cx="{centre:.1f}" cy="{centre:.1f}" r="{max(4.0, cell / 2):.1f}"/>')
    title = f"Mask distances, {words.percent(found['channel_sparsity'])} of channels removed"
    parts.append(text(MARGIN + SIDE / 2, MARGIN + SIDE + 22, title, "title", "middle"))
    size = SIDE + 2 * MARGIN
    head = f'<svg class="matrix" role="img" aria-label="{escape(title)}" viewBox="0 0 {size} {size}">'
    return f"{head}{''.join(parts)}</svg>"

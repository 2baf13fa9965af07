"""What the page of a grid shows beside the object of the API: tiles, points, figures; lays out nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from service.rendering import duration, flops, points, share
from service.showing import Report, Tile
from ticketing.report.grid_figure import effects_figure, ladders_figure
from ticketing.report.grid_words import axis_name, point_of, pooled_sentence, sentence, value_of

MAX_SHOWN = 200
"""Points of one page; the API lists the others."""


def context(job: Mapping[str, Any], children: Sequence[Mapping[str, Any]], report: Report | None) -> dict[str, Any]:
    """Give what the template of a grid needs beside what every job's page has.

    Args:
        job: The grid.
        children: Its first points.
        report: None until it was gathered.
    """
    best = (job["best"] or {}).get("job")
    return {
        "axes": [
            {"name": axis_name(pointer), "pointer": pointer, "values": ", ".join(map(value_of, values))}
            for pointer, values in job["grid"]["axes"].items()
        ],
        "points": [{**child, "words": point_of(child["point"]), "is_best": child["id"] == best} for child in children],
        "pooled": [] if report is None else [pooled_sentence(entry) for entry in report.get("pooled", [])],
        "sentence": "" if report is None else sentence(report),
        "tiles": [] if report is None else tiles(job, report),
        "ladders": None if report is None else _drawn(ladders_figure(report)),
        "effects": None if report is None else _drawn(effects_figure(report)),
    }


def tiles(job: Mapping[str, Any], report: Report) -> list[Tile]:
    """Choose the figures that stand out."""
    counts, best = report["counts"], report["best"]
    found = [Tile("Points", str(counts["total"]), f"{counts['succeeded']} succeeded")]
    if best is not None:
        found.append(Tile("Best sparsity", share(best["sparsity"]), point_of(best["point"])))
        found.append(Tile("Against dense", points(best["delta_vs_dense"]), "on validation"))
    used = job["cost"]["used_flops"]
    return [*found, Tile("Device time", duration(job["cost"]["device_s"]), flops(used) if used else "")]


def _drawn(figure: str | None) -> Markup | None:
    # Every text in it is escaped where it is drawn.
    return None if figure is None else Markup(figure)  # noqa: S704

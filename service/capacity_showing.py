"""What the page of a sweep over widths shows beside what every job's page has; lays out nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from service.rendering import duration, flops
from service.results import Results
from service.showing import Report, Tile
from ticketing.report.capacity_figure import capacity_figure
from ticketing.report.capacity_words import interpolation_sentence, mean_and_range, sentence

MEASURED = ("train_loss", "train_error", "test_loss", "test_error")


def context(job: Mapping[str, Any], made: Results, report: Report | None) -> dict[str, Any]:
    """Give what the template of a job needs: no ticket and no verdict, but widths and their curves.

    Args:
        job: The sweep.
        made: Its results so far.
        report: None until it has finished.
    """
    shown: dict[str, Any] = {"verdict_word": None, "tiles": [], "levels": [], "branches": [], "figure": None}
    shown["exports_left"] = []
    if report is None:
        return {**shown, "verdict_sentence": "", "widths": _rows(points_so_far(made.levels)), "curves": []}
    capacity = report["capacity"]
    curves = [
        # It escapes every text it is given, and all are ours.
        (f"{measure.title()} against width", Markup(capacity_figure(capacity, measure)))  # noqa: S704
        for measure in ("loss", "error")
    ]
    said = f"{sentence(capacity)} {interpolation_sentence(capacity)}"
    return {
        **shown,
        "verdict_sentence": said,
        "tiles": _tiles(job, capacity),
        "widths": _rows(capacity["points"]),
        "curves": curves,
    }


def points_so_far(levels: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Gather the trainings that are finished by width, in the shape of a report's points."""
    by_width: dict[int, list[Mapping[str, Any]]] = {}
    for row in levels:
        by_width.setdefault(row["width"], []).append(row)
    return [
        {"width": width, "parameters": rows[0]["parameters"]}
        | {name: _figure([row[name] for row in rows]) for name in MEASURED}
        for width, rows in sorted(by_width.items())
    ]


def _figure(values: list[float]) -> dict[str, Any]:
    return {"mean": sum(values) / len(values), "values": values, "n": len(values)}


def _rows(points: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    return [
        [str(point["width"]), f"{point['parameters']:,}", str(point["test_loss"]["n"])]
        + [mean_and_range(point[name], share=name.endswith("error")) for name in MEASURED]
        for point in points
    ]


def _tiles(job: Mapping[str, Any], capacity: Mapping[str, Any]) -> list[Tile]:
    threshold, peak = capacity["threshold"], capacity["test_loss_peak"]
    found = [Tile("Threshold", f"{threshold['parameters']:,}", f"n K parameters, width {threshold['width']:.1f}")]
    if peak is not None:
        found.append(Tile("Peak", f"{peak['parameters_per_target']:.2f}", f"N / (n K) at width {peak['width']}"))
    used = job["cost"]["used_flops"]
    return [*found, Tile("Time", duration(job["durations"]["running_s"]), flops(used) if used else "")]

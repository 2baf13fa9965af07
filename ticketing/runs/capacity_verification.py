"""Reads a finished sweep's `out/` back and compares its figures with each other; writes nothing."""

import csv
import json
from math import prod
from pathlib import Path
from typing import Any

from ticketing.errors import VerificationError
from ticketing.export.capacity_document import MEASURED, conclusions
from ticketing.plans.widths import parameters_of
from ticketing.recipe import CapacitySweep
from ticketing.report.capacity_table import COLUMNS


def verify_sweep(out: Path, recipe: CapacitySweep) -> None:
    """Check that table and report say the same, every training once, and that what is concluded follows.

    Args:
        out: Of the run; its list of files is checked by the caller.
        recipe: Of the run.

    Raises:
        VerificationError: Something does not read back as what the report says.
    """
    report = json.loads((out / "report.json").read_bytes())
    capacity, rows = report["capacity"], _rows(out / "widths.csv")
    points = capacity["points"]
    expected = [(str(point["width"]), str(repeat)) for point in points for repeat in range(recipe.repeats)]
    _expect([(row["width"], row["repeat"]) for row in rows] == expected, "widths.csv, every training once")
    if recipe.widths is not None:
        _expect([point["width"] for point in points] == list(recipe.widths), "the widths of the recipe")
    inputs, classes = prod(report["dataset"]["shape"]), capacity["classes"]
    for point in points:
        count = parameters_of(point["width"], inputs=inputs, classes=classes)
        _expect(point["parameters"] == count, f"width {point['width']}, {count} parameters")
        for name in MEASURED:
            told = [float(row[name]) for row in rows if row["width"] == str(point["width"])]
            figure = point[name]
            _expect(told == figure["values"], f"widths.csv, the {name} of width {point['width']}")
            _expect(figure["mean"] == sum(told) / len(told), f"the mean {name} of width {point['width']}")
    concluded = conclusions(points, threshold=capacity["threshold"])
    _expect(all(capacity[name] == value for name, value in concluded.items()), "peaks and threshold of its own points")


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise VerificationError(f"{path.name}: {error.strerror}") from None
    if not rows or list(rows[0]) != list(COLUMNS):
        raise VerificationError(f"expected {path.name} with the columns {', '.join(COLUMNS)}")
    return rows


def _expect(held: bool, what: str) -> None:
    if not held:
        raise VerificationError(f"does not read back as expected: {what}")

"""The figures of a sweep over widths as CSV: a row for every training; knows no files."""

import csv
import io
from typing import Any

COLUMNS = (
    "width", "parameters", "parameters_per_target", "reuses_weights", "repeat",
    "train_loss", "train_error", "test_loss", "test_error", "seconds",
)  # fmt: skip


def widths_csv(report: dict[str, Any]) -> str:
    """Write one row per width and repeat; errors are fractions."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for point in report["capacity"]["points"]:
        for repeat, seconds in enumerate(point["seconds"]):
            measured = [point[name]["values"][repeat] for name in COLUMNS[5:9]]
            table.writerow([*(point[name] for name in COLUMNS[:4]), repeat, *measured, seconds])
    return text.getvalue()

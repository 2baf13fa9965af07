"""Every level of every point of a grid as one table for programs and spreadsheets (CSV, RFC 4180)."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = (
    "replicate",
    "level",
    "kept",
    "total",
    "sparsity",
    "validation_accuracy",
    "validation_loss",
    "early_stop_step",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def levels_table(axes: Sequence[str], points: Sequence[Mapping[str, Any]]) -> str:
    """Write one line per level of every search of every point, the axes' values in front, what was handed out marked.

    A text that a spreadsheet would run as a formula gets an apostrophe in front.

    Args:
        axes: JSON pointers, in order.
        points: As of `grid_document`.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["job", "state", *(_cell(axis) for axis in axes), *COLUMNS, "delivered"])
    for point in points:
        values = [_cell(point["point"][axis]) for axis in axes]
        handed_out = (point["summary"] or {}).get("level")
        for level in point["levels"]:
            delivered = level["replicate"] == 0 and level["level"] == handed_out
            figures = ["" if level.get(key) is None else level[key] for key in COLUMNS]
            writer.writerow([point["job"], point["state"], *values, *figures, int(delivered)])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return f"'{text}" if text.startswith(_FORMULA) else text

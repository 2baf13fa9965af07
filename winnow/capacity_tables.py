"""Plans and reports of sweeps over widths as tables; knows no HTTP and no terminal."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table

from winnow.errors import Json

_MEASURED = ("train_loss", "train_error", "test_loss", "test_error")


def width_plan(plan: Json) -> Table:
    """Lay out the widths that a sweep will train."""
    table = Table(title="plan", caption=f"n K = {plan['threshold']['parameters']:,} targets")
    for name in ("width", "parameters", "N / (n K)"):
        table.add_column(name, justify="right")
    for row in plan["widths"]:
        table.add_row(str(row["width"]), f"{row['parameters']:,}", f"{row['parameters_per_target']:.3f}")
    return table


def capacity_parts(capacity: Json) -> Sequence[RenderableType]:
    """Lay out what a sweep measured, mean over n repeats, and where the test curves peak."""
    table = Table(title=f"mean over n = {capacity['repeats']} repeats, last weights")
    for name in ("width", "N / (n K)", *(name.replace("_", " ") for name in _MEASURED)):
        table.add_column(name, justify="right")
    for point in capacity["points"]:
        means = [point[name]["mean"] for name in _MEASURED]
        shown = [
            f"{100 * m:.2f} %" if name.endswith("error") else f"{m:.4g}"
            for name, m in zip(_MEASURED, means, strict=True)
        ]
        table.add_row(str(point["width"]), f"{point['parameters_per_target']:.3f}", *shown)
    return [table, *(_peak(capacity, measure) for measure in ("test_loss", "test_error"))]


def _peak(capacity: Json, measure: str) -> str:
    peak, name = capacity[f"{measure}_peak"], measure.replace("_", " ")
    if peak is None:
        return f"{name}: no peak over these widths"
    return f"{name}: peaks at width {peak['width']}, N / (n K) = {peak['parameters_per_target']:.2f}"

"""The report of a grid as a table and sentences; knows no HTTP and no terminal."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ticketing.report import grid_words as said
from ticketing.report.words import percent
from winnow.errors import Json
from winnow.terminal import plain


def grid_parts(report: Json) -> Sequence[RenderableType]:
    """Lay out what came of every point, what is best, and what points that differ in their seed show together."""
    table = Table(caption="test figures of points that are not the best are exploratory")
    for name in ("point", "state", "sparsity", "validation", "test", "verdict", "job"):
        table.add_column(name, justify="right" if name in ("sparsity", "validation", "test") else "left")
    for row in report["points"]:
        figures = [row[name] for name in ("sparsity", "validation_accuracy", "accuracy")]
        shown = ["" if figure is None else percent(figure, 2) for figure in figures]
        cells = (said.point_of(row["point"]), row["state"], *shown, row["verdict"] or "", row["job"])
        # Text, not str: a value may hold what rich would read as markup.
        table.add_row(*(Text(plain(cell)) for cell in cells))
    pooled = [said.pooled_sentence(entry) for entry in report.get("pooled", ())]
    return [table, *(plain(line) for line in (said.sentence(report), *pooled))]

"""Jobs and reports as tables; knows no HTTP and no terminal."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ticketing.report.words import tested
from winnow.capacity_tables import capacity_parts
from winnow.errors import Json
from winnow.exits import gate_outcome
from winnow.grid_tables import grid_parts
from winnow.terminal import plain


def report_parts(report: Json) -> Sequence[RenderableType]:
    """Lay out a report: of a ticket its levels and the verdict, of a grid or a sweep over widths its points."""
    if "capacity" in report:
        return capacity_parts(report["capacity"])
    if "points" in report:
        return grid_parts(report)
    return [level_table(report), *verdict_lines(report)]


def level_table(report: Json) -> Table:
    """Lay out a report's levels: accuracy on the test split, mean over n paired replicates."""
    controls = [name for name in tested(report["levels"]) if name not in ("ticket", "dense")]
    table = Table(
        title="accuracy on the test split, mean over n paired replicates",
        caption="* exploratory: many levels are looked at, the verdict is of the delivered one",
    )
    for name in ("level", "sparsity", "kept", "ticket", "dense", *controls, "n", "verdict"):
        table.add_column(name, justify="left" if name == "verdict" else "right")
    for row in report["levels"]:
        cells = [_mean(row, name) for name in ("ticket", "dense", *controls)]
        verdict = (row["verdict"] or "") + (" *" if row["verdict"] and row["exploratory"] else "")
        counts = [str(row["level"]), f"{100 * row['sparsity']:.2f} %", f"{row['kept']:,}"]
        table.add_row(*counts, *cells, _n(row), verdict)
    return table


def _branch(row: Json, name: str) -> Json:
    return (row.get("test") or {}).get(name) or {}


def _mean(row: Json, name: str) -> str:
    mean = _branch(row, name).get("mean")
    return "" if mean is None else f"{100 * mean:.2f} %"


def _n(row: Json) -> str:
    n = _branch(row, "ticket").get("n") or _branch(row, "dense").get("n")
    return "" if n is None else str(n)


def verdict_lines(report: Json) -> Sequence[str]:
    """Say in words what the certificate says, with its n and the bounds on which t interval and bootstrap agree."""
    certificate = report.get("certificate") or {}
    if not certificate:
        return ["no certificate: the recipe asked for no evidence"]
    lines = [f"verdict: {certificate.get('verdict')} (level {certificate.get('level')}, n = {certificate.get('n')})"]
    for name, against in (certificate.get("against") or {}).items():
        found = [bounds for bounds in (against.get("interval"), against.get("bootstrap")) if bounds]
        if not found:
            continue
        low, high = min(bounds[0] for bounds in found), max(bounds[1] for bounds in found)
        mean = f"{100 * against['mean']:+.2f}" if against.get("mean") is not None else "?"
        interval = f"{100 * certificate.get('confidence', 0.95):.4g} % interval [{100 * low:+.2f}, {100 * high:+.2f}]"
        lines.append(f"  ticket minus {name}: {mean} points, {interval}, {against.get('outcome')}")
    return lines


def jobs_table(jobs: Iterable[Json]) -> Table:
    """Lay out jobs, one a line."""
    table = Table()
    for name in ("id", "name", "search", "state", "level", "created"):
        table.add_column(name)
    for job in jobs:
        progress = job.get("progress") or {}
        level = "" if progress.get("level") is None else f"{progress['level']} of {progress.get('levels_total', '?')}"
        cells = (job["id"], job.get("name"), job.get("search"), job["state"], level, job.get("created_at"))
        table.add_row(*(_cell(cell) for cell in cells))
    return table


def children_table(jobs: Iterable[Json]) -> Table:
    """Lay out the jobs of a grid: the value on each axis, then how it went."""
    rows = [*jobs]
    axes = [*dict.fromkeys(axis for job in rows for axis in job.get("point") or {})]
    table = Table()
    for name in ("id", *axes, "state", "best", "gate"):
        table.add_column(_cell(name))
    for job in rows:
        values = [(job.get("point") or {}).get(axis) for axis in axes]
        shown = ["" if value is None else value if isinstance(value, str) else json.dumps(value) for value in values]
        cells = (job["id"], *shown, job["state"], _best(job), gate_outcome(job))
        table.add_row(*(_cell(cell) for cell in cells))
    return table


def _best(job: Json) -> str | None:
    best = job.get("best") or {}
    return f"level {best['level']}, sparsity {best['sparsity']:.4f}" if best.get("level") is not None else None


def _progress(job: Json) -> str | None:
    """Say how far a job is that has begun and is not done."""
    progress = job.get("progress") or {}
    if job.get("done") or not progress.get("fraction"):
        return None
    level = f", level {progress['level']} of {progress['levels_total']}" if progress.get("level") is not None else ""
    eta = progress.get("eta") or {}
    left = f", about {eta['seconds_remaining']:.0f} s left" if eta.get("available") else ""
    return f"{100 * progress['fraction']:.0f} %{level}{left}"


def _origin(job: Json) -> str | None:
    origin = job.get("origin")
    if not origin:
        return None
    return f"{origin['kind']} of {origin['job']}" + (f", level {origin['level']}" if origin.get("level") else "")


def _children(job: Json) -> str | None:
    children = job.get("children")
    if not children:
        return None
    states = ", ".join(f"{count} {state}" for state, count in (children.get("by_state") or {}).items() if count)
    return f"{children['total']} ({states})" if states else str(children["total"])


def job_table(job: Json) -> Table:
    """Lay out one job, a field a line."""
    table = Table(show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    error = job.get("error") or {}
    rows: dict[str, Any] = {
        "id": job["id"],
        "name": job.get("name"),
        "search": job.get("search"),
        "state": job["state"] + (f" ({job['reason']})" if job.get("reason") else ""),
        "from": _origin(job),
        "grid": job.get("parent"),
        "points": _children(job),
        "attempt": job.get("attempt"),
        "progress": _progress(job),
        "best": _best(job),
        "verdict": job.get("verdict"),
        "gate": gate_outcome(job),
        "error": f"{error.get('code')}: {error.get('detail')}" if error else None,
        "created": job.get("created_at"),
        "started": job.get("started_at"),
        "finished": job.get("finished_at"),
        "paused until": job.get("pause_expires_at"),
        "page": (job.get("urls") or {}).get("web"),
    }
    for name, value in rows.items():
        if value not in (None, ""):
            table.add_row(name, _cell(value))
    return table


def _cell(value: Any) -> Text:
    # Text, not str: a name may hold what rich would read as markup.
    return Text(plain("" if value is None else value))

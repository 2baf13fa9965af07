"""What the points of a grid came to, as the database has it, and its gates over all of them; writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from jobs.gates import GATES
from jobs.inputs import find_dataset, find_model
from jobs.tables import artifact, job, level

ANSWERS = "answers.safetensors"


@dataclass(frozen=True)
class GridResults:
    """A grid whose points are all done."""

    job: Mapping[str, Any]
    """`id`, `name`, `labels`."""
    axes: Mapping[str, Sequence[Any]]
    recipe: Mapping[str, Any]
    gates: Mapping[str, float]
    model: str
    dataset: str
    points: Sequence[Mapping[str, Any]]
    """As `ticketing.report.grid_document` and `pooled` take them, in order, with the digest of their `answers`."""


def read_results(conn: Connection, *, tenant: str, grid_id: str) -> GridResults:
    """Read a grid and everything its report is made of."""
    mine = job.c.tenant == tenant
    grid = conn.execute(select(job).where(mine, job.c.id == grid_id)).mappings().one()
    query = select(job).where(mine, job.c.parent_id == grid_id).order_by(job.c.created_at, job.c.id)
    points = conn.execute(query).mappings().all()
    levels, answers = _levels(conn, grid_id), _answers(conn, grid_id)
    net = find_model(conn, tenant=tenant, model_id=grid["model_id"])
    data = find_dataset(conn, tenant=tenant, dataset_id=grid["dataset_id"])
    return GridResults(
        job={key: grid[key] for key in ("id", "name", "labels")},
        axes=grid["grid"]["axes"],
        recipe=grid["recipe"],
        gates=grid["gates"],
        model=net.name or net.architecture,
        dataset=data.name or data.uri or data.id,
        points=[_point(row, levels.get(row["id"], []), answers.get(row["id"])) for row in points],
    )


def tree_gate(gates: Mapping[str, float], points: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Hold a whole grid against its gates: each is met when every point meets it.

    In the shape of `jobs.gates.evaluate`; what came is the worst of the points that have a figure. A point that did
    not succeed meets none.
    """
    lines = [_gate(name, expected, points) for name, expected in gates.items()]
    if not lines:
        return None
    missed = any(line["outcome"] == "missed" for line in lines)
    return {"outcome": "missed" if missed else "passed", "gates": lines}


def _gate(name: str, expected: float, points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    of_points = [_line(name, point) for point in points]
    known = [line["came"] for line in of_points if line is not None and line["came"] is not None]
    bound = GATES[name].bound
    worst = (max if bound == "at most" else min)(known, default=None)
    met = all(line is not None and line["outcome"] == "passed" for line in of_points)
    outcome = "passed" if met else "missed"
    return {"name": name, "bound": bound, "expected": expected, "came": worst, "outcome": outcome}


def _line(name: str, point: Mapping[str, Any]) -> Mapping[str, Any] | None:
    lines = (point["gate"] or {}).get("gates", ())
    return next((line for line in lines if line["name"] == name), None)  # none of a point that did not succeed


def _point(row: RowMapping, levels: Sequence[Mapping[str, Any]], answers: str | None) -> dict[str, Any]:
    keys = ("name", "point", "state", "error", "summary", "best", "gate", "warnings")
    return {key: row[key] for key in keys} | {
        "job": row["id"],
        "recipe": row["resolved_recipe"],
        "answers": answers,
        "seconds": row["running_seconds"],
        "levels": levels,
    }


def _answers(conn: Connection, grid_id: str) -> dict[str, str]:
    """Name the blobs of what the networks of every point answered on test."""
    source = artifact.join(job, job.c.id == artifact.c.job_id)
    query = select(artifact.c.job_id, artifact.c.sha256).select_from(source)
    rows = conn.execute(query.where(job.c.parent_id == grid_id, artifact.c.name == ANSWERS))
    return {row.job_id: row.sha256 for row in rows}


def _levels(conn: Connection, grid_id: str) -> dict[str, list[dict[str, Any]]]:
    """Read the levels of all points with one query."""
    keys = ("replicate", "level", "kept", "total", "sparsity")
    source = level.join(job, job.c.id == level.c.job_id)
    query = select(level).select_from(source).where(job.c.parent_id == grid_id)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in conn.execute(query.order_by(level.c.job_id, level.c.replicate, level.c.level)).mappings():
        found.setdefault(row["job_id"], []).append(row["data"] | {key: row[key] for key in keys})
    return found

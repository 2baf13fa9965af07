"""A grid enters the table: the grid itself and one job per point; resolves no recipe.

Works inside the caller's write transaction: all of it is there, or nothing.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from jobs.clock import now
from jobs.grids.points import PreparedPoint
from jobs.grids.submission import GridSubmission
from jobs.inputs import Dataset, Model
from jobs.making.creation import create_job
from jobs.making.enqueueing import enqueue
from ticketing.report.grid_words import point_of

NAME_LENGTH = 200
_ORDER_SECONDS = 1e-5
"""Between the times two neighbours are said to be made at: a list in the order of time is in that of the points."""


def create_grid(
    conn: Connection,
    *,
    tenant: str,
    submission: GridSubmission,
    model: Model,
    dataset: Dataset,
    points: Sequence[PreparedPoint],
) -> str:
    """Write a grid, a job for each of its points, and the `queued` event of all of them; give the grid's id.

    Args:
        conn: The caller's write transaction.
        tenant: Whose it is.
        submission: What was sent.
        model: As `jobs.making.creation.inputs_of` gave it; the same for every point, as is the dataset.
        dataset: As `jobs.making.creation.inputs_of` gave it.
        points: In the order of `points_of`.
    """
    moment = now(conn)
    axes = {axis: list(values) for axis, values in submission.grid.items()}
    grid_id = enqueue(
        conn,
        tenant=tenant,
        kind="grid",
        name=submission.name,
        labels=dict(submission.labels),
        priority=submission.priority,
        device=submission.device,
        model_id=model.id,
        dataset_id=dataset.id,
        search=points[0].resolved_recipe["search"],
        recipe=dict(submission.recipe),
        gates=submission.gates.model_dump(exclude_none=True),
        grid={"axes": axes, "max_parallel": submission.max_parallel, "points": len(points)},
        children_open=len(points),
        progress={"fraction": 0.0},
        estimated_flops=_flops(points),
        created_at=moment,
    )
    for index, prepared in enumerate(points):
        named = {"name": child_name(submission.name, prepared.point), "recipe": dict(prepared.recipe)}
        create_job(
            conn,
            tenant=tenant,
            submission=submission.model_copy(update=named),
            model=model,
            dataset=dataset,
            resolved_recipe=prepared.resolved_recipe,
            plan=prepared.plan,
            parent_id=grid_id,
            point=dict(prepared.point),
            created_at=moment + (index + 1) * _ORDER_SECONDS,
        )
    return grid_id


def child_name(grid_name: str | None, point: Any) -> str:
    """Name a point after its grid and its values, e.g. `lenet-digits · seed 0, sparsity 0.9`."""
    name = point_of(point) if grid_name is None else f"{grid_name} · {point_of(point)}"
    return name if len(name) <= NAME_LENGTH else name[: NAME_LENGTH - 1] + "…"


def _flops(points: Sequence[PreparedPoint]) -> float | None:
    known = [prepared.plan["training_flops"] for prepared in points if prepared.plan is not None]
    return float(sum(known)) if len(known) == len(points) else None

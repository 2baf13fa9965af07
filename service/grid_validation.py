"""Whether a whole grid can be done: every point as if it were a job alone, all faults at once; writes no job."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from jobs.grids.blaming import blame
from jobs.grids.points import Point, PreparedPoint, points_of, recipe_at
from jobs.grids.submission import GridSubmission
from jobs.inputs import Dataset, Model
from jobs.making.creation import inputs_of
from jobs.making.intake import HeaderCheck
from service.validation import device_kind, filled
from ticketing.errors import Fault, RecipeError, RequestError
from ticketing.recipe import TicketRecipe


@dataclass(frozen=True)
class PreparedGrid:
    """A grid that can be done, as far as can be known now."""

    model: Model
    dataset: Dataset
    points: list[PreparedPoint]

    @property
    def pending(self) -> bool:
        """Whether an input is being inspected."""
        return "inspecting" in (self.model.state, self.dataset.state)


def prepare_grid(
    conn: Connection,
    *,
    tenant: str,
    submission: GridSubmission,
    check_header: HeaderCheck,
    slot_seconds: float,
    draw_seed: Callable[[], int],
) -> PreparedGrid:
    """Find or create the inputs of a grid, once, and fill and plan the recipe of every point.

    A seed that is not given is drawn once, so that the points differ in nothing but the axes.

    Args:
        conn: A write transaction, completed with the jobs.
        tenant: Whose it is.
        submission: What was sent.
        check_header: Looks into an uploaded model.
        slot_seconds: How long a silent slot counts as living.
        draw_seed: Used when the recipe names no seed.

    Raises:
        RequestError: The axes make no grid, or a point cannot be done; one fault per value that is to blame.
    """
    points = points_of(submission.grid)
    model, dataset = inputs_of(conn, tenant=tenant, submission=submission, check_header=check_header)
    kind, seed = device_kind(conn, submission.device, slot_seconds), draw_seed()

    def prepared(point: Point) -> PreparedPoint:
        raw = recipe_at(submission.recipe, point)
        recipe, planned = filled(raw, model, dataset, device_kind=kind, seed=seed, gates=submission.gates)
        if not isinstance(recipe, TicketRecipe):
            detail = f"expected a search that makes tickets to lay beside each other, got {recipe.search}"
            raise RecipeError(detail, [Fault("/recipe/search", "no_ticket", detail)])
        plan = None if planned is None else planned.as_json()
        return PreparedPoint(point, raw, recipe.model_dump(mode="json"), plan)

    ready: list[PreparedPoint] = []
    refused: dict[int, tuple[Fault, ...]] = {}
    for index, point in enumerate(points):
        try:
            ready.append(prepared(point))
        except RequestError as error:
            refused[index] = error.faults or (Fault("/recipe", error.code, str(error)),)
    if refused:
        faults = blame(refused, axes=submission.grid, points=points)
        said = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults[:5])
        raise RecipeError(f"{len(refused)} of {len(points)} points cannot be done: {said}", faults)
    return PreparedGrid(model, dataset, ready)

"""A follow-up job that writes other files of a finished ticket: it takes over the whole journal and trains nothing.

The functions work inside the caller's transaction.
"""

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import Connection

from jobs.errors import InvalidTransitionError, LevelNotKeptError
from jobs.leases.asking import state_of
from jobs.making.follow_ups import ExportTarget
from jobs.making.origins import again, parent_of
from jobs.states import allowed
from ticketing.errors import Fault, RecipeError, RequestError
from ticketing.plans.parsing import parse_recipe
from ticketing.recipe import TicketRecipe


def export(conn: Connection, *, tenant: str, job_id: str, target: ExportTarget) -> str:
    """Make a job that writes a file of the ticket that a job ended with, beside its report, and give its id.

    It has the job's recipe but for `outputs`, no gates, and measures no gain.

    Raises:
        NotFoundError: This tenant has no such job.
        InvalidTransitionError: It has not succeeded.
        RequestError: It is a grid, its search makes no ticket, or none that has this file.
        LevelNotKeptError: Its last checkpoint is gone.
    """
    parent = parent_of(conn, tenant=tenant, job_id=job_id)
    if (state := state_of(parent.row)) != "succeeded":
        raise InvalidTransitionError("export", state, allowed(state))
    if parent.row["kind"] == "grid":
        raise RequestError("expected a single job: what a grid found is in its children, got a grid")
    recipe = _recipe(parent.row["resolved_recipe"], target)
    if not parent.checkpoints:
        raise LevelNotKeptError(f"expected the last checkpoint of {job_id}, and it is gone")
    written = {"outputs": list(recipe.outputs), "gain": recipe.gain}
    changed = {"recipe": parent.row["recipe"] | written, "resolved_recipe": recipe.model_dump(mode="json"), "gates": {}}
    return again(conn, parent, "checkpoint", kind="export", **changed)


def _recipe(resolved: Mapping[str, Any] | None, target: ExportTarget) -> TicketRecipe:
    """Give the recipe of a job with another list of files.

    Raises:
        RequestError: It has no ticket, or none of this kind.
    """
    whole = parse_recipe(resolved or {})
    if not isinstance(whole, TicketRecipe):
        detail = f"expected a job whose search makes a ticket, got {whole.search}"
        raise RecipeError(detail, [Fault("/target", "no_ticket", detail)])
    weights = "slim" if whole.removes_channels else "model"
    word = weights if target == "safetensors" else target
    return cast(TicketRecipe, parse_recipe(whole.model_dump(mode="json") | {"outputs": [word], "gain": "never"}))

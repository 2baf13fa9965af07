"""Whether a job can be forked at a level, and what the fork will do: as for a job that was sent; writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from jobs.errors import LevelNotKeptError
from jobs.inputs import Dataset, Model
from jobs.making.follow_ups import ForkSubmission
from jobs.making.origins import Parent, fork_origin, forked, parent_of
from jobs.making.submissions import JobSubmission
from service.validation import prepare
from ticketing.architectures import Inventory
from ticketing.errors import Fault, RequestError
from ticketing.folder import StartSpec
from ticketing.plans.parsing import parse_recipe
from ticketing.plans.start import start_from
from ticketing.recipe import AnyRecipe, Iterative


@dataclass(frozen=True)
class PreparedFork:
    """A fork that can be done."""

    submission: JobSubmission
    model: Model
    dataset: Dataset
    recipe: AnyRecipe
    plan: Mapping[str, Any]
    columns: Mapping[str, Any]
    """Further ones of its row: what it was made from."""


def prepare_fork(
    conn: Connection, *, tenant: str, job_id: str, wanted: ForkSubmission, slot_seconds: float
) -> PreparedFork:
    """Find the checkpoint a fork starts from, fill its recipe, and lay out its plan.

    Args:
        conn: A write transaction.
        tenant: Whose job.
        job_id: Of the parent, in whatever state it is.
        wanted: What was sent.
        slot_seconds: How long a silent slot counts as living.

    Raises:
        NotFoundError: This tenant has no such job.
        LevelNotKeptError: No checkpoint that is left of the parent holds the level.
        RequestError: The fork asks for what cannot be done, or for what its parent does not have.
    """
    parent = parent_of(conn, tenant=tenant, job_id=job_id)
    if parent.row["kind"] == "grid":
        detail = f"expected a job with levels, got the grid {job_id}: fork one of its children"
        raise RequestError(detail, [Fault("path:job_id", "not_forkable", detail)])
    if parent.row["search"] != "iterative":
        detail = f"expected a job with levels to go on from, got {job_id} of the search {parent.row['search']}"
        raise RequestError(detail, [Fault("path:job_id", "not_forkable", detail)])
    submission = forked(parent, wanted)
    found: list[StartSpec] = []

    def start_of(recipe: Iterative, inventory: Inventory) -> StartSpec:
        found.append(_start(parent, wanted.from_level, recipe, inventory))
        return found[-1]

    ready = prepare(
        conn,
        tenant=tenant,
        submission=submission,
        check_header=lambda *_: None,
        slot_seconds=slot_seconds,
        draw_seed=lambda: int(parent.row["resolved_recipe"]["seed"]),
        start_of=start_of,
    )
    if ready.plan is None:
        raise LevelNotKeptError(f"expected level {wanted.from_level} of {job_id}, and it has not begun")
    return PreparedFork(
        submission=submission,
        model=ready.model,
        dataset=ready.dataset,
        recipe=ready.recipe,
        plan=ready.plan.as_json(),
        columns={"origin": fork_origin(found[-1]), "checkpoint_version": parent.row["checkpoint_version"]},
    )


def _start(parent: Parent, level: int, recipe: Iterative, inventory: Inventory) -> StartSpec:
    """Say how the fork starts from the newest checkpoint that holds the level."""
    of = parse_recipe(parent.row["resolved_recipe"])
    assert isinstance(of, Iterative)
    for checkpoint in parent.checkpoints:
        start = start_from(
            job=parent.row["id"],
            level=level,
            sha256=checkpoint["sha256"],
            where=checkpoint["where"],
            parent=of,
            parent_start=parent.start,
            recipe=recipe,
            inventory=inventory,
        )
        if start is not None:
            return start
    job_id, left = parent.row["id"], len(parent.checkpoints)
    raise LevelNotKeptError(
        f"expected a level that a checkpoint of {job_id} holds, got level {level}, which none of the {left} kept holds"
    )

"""A job enters the table together with the inputs it was given inline, and its `queued` event.

Every function works inside the caller's write transaction: one request, one transaction.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from jobs.errors import NotFoundError
from jobs.inputs import Dataset, Model, find_dataset, find_model, misfit
from jobs.making.enqueueing import enqueue
from jobs.making.intake import HeaderCheck, create_dataset, create_model
from jobs.making.submissions import JobSubmission
from ticketing.errors import Fault, RequestError


def inputs_of(
    conn: Connection, *, tenant: str, submission: JobSubmission, check_header: HeaderCheck
) -> tuple[Model, Dataset]:
    """Give a job's model and dataset: looked up by id, or created on the way when they were given inline.

    Raises:
        RequestError: There is none of that id, it was refused, or the two do not fit; pointers into the job's body.
    """
    if isinstance(submission.dataset, str):
        with _missing_is_a_fault("/dataset"):
            data = find_dataset(conn, tenant=tenant, dataset_id=submission.dataset, hold=True)
    else:
        data = create_dataset(conn, tenant=tenant, body=submission.dataset, at="/dataset")
    if isinstance(submission.model, str):
        with _missing_is_a_fault("/model"):
            net = find_model(conn, tenant=tenant, model_id=submission.model, hold=True)
    else:
        net = create_model(
            conn, tenant=tenant, body=submission.model, check_header=check_header, data=data, at="/model"
        )
    _must_suit(net, data)
    return net, data


def create_job(
    conn: Connection,
    *,
    tenant: str,
    submission: JobSubmission,
    model: Model,
    dataset: Dataset,
    resolved_recipe: Mapping[str, Any],
    plan: Mapping[str, Any] | None,
    **columns: Any,
) -> str:
    """Write a job and its `queued` event and give its id.

    Args:
        conn: The caller's write transaction.
        tenant: Whose it is.
        submission: What was sent.
        model: As `inputs_of` gave it.
        dataset: As `inputs_of` gave it.
        resolved_recipe: Every default filled, the seed fixed.
        plan: `ticketing.plans.iterative.Plan.as_json()`, or None while an input is inspecting.
        columns: Further ones, e.g. which point of which grid it is.
    """
    levels = resolved_recipe.get("levels") if plan is None else plan["levels"]
    return enqueue(
        conn,
        tenant=tenant,
        kind="search",
        name=submission.name,
        labels=dict(submission.labels),
        priority=submission.priority,
        device=submission.device,
        model_id=model.id,
        dataset_id=dataset.id,
        search=resolved_recipe["search"],
        recipe=dict(submission.recipe),
        resolved_recipe=dict(resolved_recipe),
        gates=submission.gates.model_dump(exclude_none=True),
        progress={"fraction": 0.0, "level": 0, "levels_total": levels},
        estimated_flops=None if plan is None else plan["training_flops"],
        warnings=[] if plan is None else list(plan["warnings"]),
        recipe_version=resolved_recipe.get("recipe_version", 1),
        **bounds(submission),
        **columns,
    )


def bounds(submission: JobSubmission) -> dict[str, Any]:
    """Give the columns that say when a job may start and how long it may take."""
    limits = submission.limits
    columns: dict[str, Any] = {
        "max_queued_seconds": limits.max_queued_seconds,
        "max_running_seconds": limits.max_running_seconds,
    }
    if submission.not_before is not None:
        columns["not_before"] = submission.not_before.timestamp()
    return columns


def _must_suit(net: Model, data: Dataset) -> None:
    for pointer, given in (("/model", net), ("/dataset", data)):
        if given.state == "refused":
            detail = f"expected one that was not refused, got {given.id}"
            raise RequestError(detail, [Fault(pointer, "refused", detail)])
    reason = misfit(net, data)
    if reason is not None:
        raise RequestError(reason, [Fault("/dataset", "does_not_fit", reason)])


@contextmanager
def _missing_is_a_fault(at: str) -> Iterator[None]:
    """Tell of an id that names nothing as of any other wrong field."""
    try:
        yield
    except NotFoundError as error:
        raise RequestError(str(error), [Fault(at, "not_found", str(error))]) from None

"""Grids over HTTP: one request that makes many jobs, and the list of them."""

import secrets
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import JSONResponse

from jobs import slots
from jobs.grids.creation import create_grid
from jobs.grids.submission import GridSubmission
from jobs.pages import PageRequest
from jobs.records import Filters, find_job, list_jobs
from service.conditional import weak
from service.dependencies import JSON_ONLY, HouseDep, PageDep, RawBody, ViewerDep
from service.grid_validation import prepare_grid
from service.job_schemas import JobList, JobObject
from service.once import ONCE, Created, IdempotencyKey, create_once
from service.openapi import problems
from service.problems import in_query, missing_is
from service.validation import header_check

router = APIRouter(prefix="/v1/jobs", tags=["Grids"])


@router.post(
    ":sweep",
    operation_id="submit_grid",
    summary="Submit a grid of jobs",
    status_code=202,
    response_model=JobObject,
    dependencies=[JSON_ONLY],
    responses=problems("invalid_recipe", "bad_model", "bad_dataset", *ONCE),
)
def submit_grid(
    body: GridSubmission,
    request: Request,
    raw: RawBody,
    house: HouseDep,
    viewer: ViewerDep,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Make one job of every combination of the grid's values, and one that gathers them into a report.

    All points are accepted, or none: what is wrong is told of the value that brings it about.
    """
    sha256 = None if isinstance(body.model, str) else body.model.sha256
    check = header_check(house.database, house.blobs, tenant=viewer.tenant, sha256=sha256)

    def creating(conn: Connection) -> Created:
        ready = prepare_grid(
            conn,
            tenant=viewer.tenant,
            submission=body,
            check_header=check,
            slot_seconds=house.settings.lease_ttl_seconds,
            draw_seed=lambda: secrets.randbits(32),
        )
        grid_id = create_grid(
            conn,
            tenant=viewer.tenant,
            submission=body,
            model=ready.model,
            dataset=ready.dataset,
            points=ready.points,
        )
        found = find_job(conn, grid_id, viewer=viewer)
        headers = {"Location": f"/v1/jobs/{grid_id}", "ETag": weak(found.etag)}
        kind, device = ("inspect", "any") if ready.pending else ("search", body.device)
        return Created(202, found.object, headers, slots.worth_a_hint(conn, kind=kind, device=device))

    return create_once(house, request, raw, key, creating)


@router.get(
    "/{job_id:id}/children",
    operation_id="list_children",
    summary="List the points of a grid",
    response_model=JobList,
    responses=problems("job_not_found"),
)
def list_children(
    job_id: str,
    house: HouseDep,
    viewer: ViewerDep,
    page: PageDep,
    state: Annotated[list[str] | None, Query(description="As shown; give it again for more.")] = None,
    order: Literal["created_at", "-created_at"] = "created_at",
) -> JSONResponse:
    """List the jobs of a grid in the order of its points, the last axis changing fastest; a job of its own has none."""
    filters = Filters(states=tuple(state or ()), parent=job_id)
    wanted = PageRequest(size=page.size, token=page.token, order=order)
    with house.database.read() as conn:
        with missing_is("job_not_found"):
            find_job(conn, job_id, viewer=viewer)
        with in_query():
            found = list_jobs(conn, viewer=viewer, filters=filters, page=wanted)
    return JSONResponse({"items": [item.object for item in found.items], "next_page_token": found.next_page_token})

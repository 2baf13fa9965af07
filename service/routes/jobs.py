"""Jobs over HTTP: tried out, submitted, listed, looked at, waited for."""

import secrets
from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from jobs import slots
from jobs.making.creation import create_job
from jobs.making.intake import HeaderCheck
from jobs.making.submissions import JobSubmission
from jobs.pages import PageRequest
from jobs.records import Filters, JobView, Viewer, find_job, list_jobs
from service.conditional import IfNoneMatch, document, names, weak
from service.dependencies import JSON_ONLY, House, HouseDep, PageDep, RawBody, ViewerDep, Wait
from service.job_schemas import JobList, JobObject, Validated
from service.once import ONCE, Created, IdempotencyKey, create_once
from service.openapi import NOT_MODIFIED, problems
from service.problems import in_query, missing_is
from service.validation import Prepared, header_check, prepare
from service.waiting import until

LABEL = "label."
REFUSALS = ("invalid_recipe", "bad_model", "bad_dataset")

router = APIRouter(prefix="/v1/jobs", tags=["Jobs"])


@router.post(
    ":validate",
    operation_id="validate_job",
    summary="Would this job be accepted, and what would it do?",
    response_model=Validated,
    dependencies=[JSON_ONLY],
    responses=problems(*REFUSALS),
)
def validate_job(body: JobSubmission, house: HouseDep, viewer: ViewerDep) -> JSONResponse:
    """Refuse exactly what `POST /v1/jobs` would refuse, and lay out the plan; nothing is written and nothing queued."""
    check = _check(house, viewer, body)
    with house.database.rehearse() as conn:
        return JSONResponse(_prepared(conn, house, viewer, body, check).as_json())


@router.post(
    "",
    operation_id="submit_job",
    summary="Submit a job",
    status_code=202,
    response_model=JobObject,
    dependencies=[JSON_ONLY],
    responses=problems(*REFUSALS, *ONCE),
)
def submit_job(
    body: JobSubmission,
    request: Request,
    raw: RawBody,
    house: HouseDep,
    viewer: ViewerDep,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Accept a job; inputs given inline are created on the way, and one being inspected is waited for."""

    check = _check(house, viewer, body)

    def creating(conn: Connection) -> Created:
        ready = _prepared(conn, house, viewer, body, check)
        job_id = create_job(
            conn,
            tenant=viewer.tenant,
            submission=body,
            model=ready.model,
            dataset=ready.dataset,
            resolved_recipe=ready.recipe.model_dump(mode="json"),
            plan=None if ready.plan is None else ready.plan.as_json(),
        )
        found = find_job(conn, job_id, viewer=viewer)
        headers = {"Location": f"/v1/jobs/{job_id}", "ETag": weak(found.etag)}
        # A job that waits for an inspection is woken by its end.
        kind, device = ("inspect", "any") if ready.pending else ("search", body.device)
        return Created(202, found.object, headers, slots.worth_a_hint(conn, kind=kind, device=device))

    return create_once(house, request, raw, key, creating)


def _check(house: House, viewer: Viewer, body: JobSubmission) -> HeaderCheck:
    sha256 = None if isinstance(body.model, str) else body.model.sha256
    return header_check(house.database, house.blobs, tenant=viewer.tenant, sha256=sha256)


def _prepared(conn: Connection, house: House, viewer: Viewer, body: JobSubmission, check: HeaderCheck) -> Prepared:
    return prepare(
        conn,
        tenant=viewer.tenant,
        submission=body,
        check_header=check,
        slot_seconds=house.settings.lease_ttl_seconds,
        # Small enough to survive every JSON reader that has floats alone.
        draw_seed=lambda: secrets.randbits(32),
    )


@router.get("", operation_id="list_jobs", summary="List jobs", response_model=JobList)
def list_all(
    request: Request,
    house: HouseDep,
    viewer: ViewerDep,
    page: PageDep,
    state: Annotated[list[str] | None, Query(description="As shown; give it again for more.")] = None,
    search: str | None = None,
    created_after: Annotated[AwareDatetime | None, Query(description="RFC 3339.")] = None,
    parent: Annotated[str | None, Query(description="The grid whose points are wanted; absent: no points.")] = None,
    order: Literal["created_at", "-created_at"] = "-created_at",
) -> JSONResponse:
    """List jobs, the newest first; `label.KEY=VALUE` asks for a label."""
    filters = Filters(
        states=tuple(state or ()),
        search=search,
        labels=_labels(request.query_params),
        created_after=None if created_after is None else created_after.timestamp(),
        parent=parent,
    )
    wanted = PageRequest(size=page.size, token=page.token, order=order)
    with in_query(), house.database.read() as conn:
        found = list_jobs(conn, viewer=viewer, filters=filters, page=wanted)
    return JSONResponse({"items": [item.object for item in found.items], "next_page_token": found.next_page_token})


def _labels(query: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(LABEL): value for name, value in query.items() if name.startswith(LABEL)}


@router.get(
    "/{job_id:id}",
    operation_id="get_job",
    summary="Look at a job",
    response_model=JobObject,
    responses=problems("job_not_found", beside=NOT_MODIFIED),
)
async def get_job(
    job_id: str, house: HouseDep, viewer: ViewerDep, wait: Wait = 0, if_none_match: IfNoneMatch = None
) -> Response:
    """Give a job as it is now.

    With `wait` the answer comes when the job is no longer the one of `If-None-Match` (without that header: as it is
    when the request arrives), when it is done, or when the time is up.
    """
    first = await run_in_threadpool(_read, house, viewer, job_id)
    known = if_none_match or weak(first.etag)
    found = first
    if wait > 0 and names(known, weak(first.etag)):
        found = await until(
            lambda view: view.object["done"] or not names(known, weak(view.etag)),
            lambda: _read(house, viewer, job_id),
            hub=house.hub,
            thing=job_id,
            seconds=wait,
        )
    return document(found.object, weak(found.etag), if_none_match)


def _read(house: House, viewer: Viewer, job_id: str) -> JobView:
    with missing_is("job_not_found"), house.database.read() as conn:
        return find_job(conn, job_id, viewer=viewer)

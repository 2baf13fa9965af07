"""What a client may have made of a job that there is, each as a job of its own: run again, forked, exported."""

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import JSONResponse

from jobs import slots
from jobs.making.creation import create_job
from jobs.making.exporting import export
from jobs.making.follow_ups import ExportSubmission, ForkSubmission, RerunSubmission
from jobs.making.origins import rerun
from jobs.records import Viewer, find_job
from service.conditional import weak
from service.dependencies import JSON_ONLY, HouseDep, RawBody, ViewerDep
from service.forking import prepare_fork
from service.job_schemas import JobObject
from service.once import ONCE, Created, IdempotencyKey, create_once
from service.openapi import problems
from service.problems import missing_is

router = APIRouter(prefix="/v1/jobs", tags=["Jobs"])


@router.post(
    "/{job_id:id}:rerun",
    operation_id="rerun_job",
    summary="Run a job again, as a new one",
    status_code=202,
    response_model=JobObject,
    responses=problems("job_not_found", "invalid_transition", "level_not_kept", "invalid_request", *ONCE),
)
def rerun_job(
    job_id: str,
    request: Request,
    raw: RawBody,
    house: HouseDep,
    viewer: ViewerDep,
    body: RerunSubmission | None = None,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Make a new job that does what a finished one did, from the last checkpoint it left or from scratch.

    Of a grid it makes a new grid. `origin` names the first job, which stays as it is.
    """

    start = (body or RerunSubmission()).start

    def creating(conn: Connection) -> Created:
        made = rerun(conn, tenant=viewer.tenant, job_id=job_id, start=start)
        return _created(conn, made, viewer)

    with missing_is("job_not_found"):
        return create_once(house, request, raw, key, creating)


@router.post(
    "/{job_id:id}:fork",
    operation_id="fork_job",
    summary="Start a new job from a level of this one",
    status_code=202,
    response_model=JobObject,
    dependencies=[JSON_ONLY],
    responses=problems("job_not_found", "level_not_kept", "invalid_recipe", *ONCE),
)
def fork_job(
    job_id: str,
    body: ForkSubmission,
    request: Request,
    raw: RawBody,
    house: HouseDep,
    viewer: ViewerDep,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Make a new job that takes over a job's levels below `from_level` and goes on from there under its own recipe."""

    def creating(conn: Connection) -> Created:
        slot_seconds = house.settings.lease_ttl_seconds
        ready = prepare_fork(conn, tenant=viewer.tenant, job_id=job_id, wanted=body, slot_seconds=slot_seconds)
        made = create_job(
            conn,
            tenant=viewer.tenant,
            submission=ready.submission,
            model=ready.model,
            dataset=ready.dataset,
            resolved_recipe=ready.recipe.model_dump(mode="json"),
            plan=ready.plan,
            **ready.columns,
        )
        return _created(conn, made, viewer)

    with missing_is("job_not_found"):
        return create_once(house, request, raw, key, creating)


@router.post(
    "/{job_id:id}/exports",
    operation_id="export_job",
    summary="Write other files of a finished ticket, as a new job",
    status_code=202,
    response_model=JobObject,
    dependencies=[JSON_ONLY],
    responses=problems("job_not_found", "invalid_transition", "level_not_kept", "invalid_recipe", *ONCE),
)
def export_job(
    job_id: str,
    body: ExportSubmission,
    request: Request,
    raw: RawBody,
    house: HouseDep,
    viewer: ViewerDep,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Make a new job that takes over all that this one found, trains nothing, and writes the file that is asked for."""

    def creating(conn: Connection) -> Created:
        return _created(conn, export(conn, tenant=viewer.tenant, job_id=job_id, target=body.target), viewer)

    with missing_is("job_not_found"):
        return create_once(house, request, raw, key, creating)


def _created(conn: Connection, job_id: str, viewer: Viewer) -> Created:
    found = find_job(conn, job_id, viewer=viewer)
    headers = {"Location": f"/v1/jobs/{job_id}", "ETag": weak(found.etag)}
    return Created(202, found.object, headers, slots.worth_a_hint(conn, kind="search", device=found.object["device"]))

"""What a client may ask of a job that there is: cancel, pause, resume, delete."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from jobs import slots, trees
from jobs.keeping.deletion import delete_job as delete
from jobs.leases import request_cancel, request_pause, request_resume
from jobs.making.follow_ups import CancelSubmission
from jobs.records import Viewer, find_job
from service.conditional import weak
from service.dependencies import House, HouseDep, ViewerDep
from service.job_schemas import JobObject
from service.openapi import problems
from service.problems import missing_is

router = APIRouter(prefix="/v1/jobs", tags=["Jobs"])


@router.post(
    "/{job_id:id}:cancel",
    operation_id="cancel_job",
    summary="Cancel a job",
    status_code=202,
    response_model=JobObject,
    responses=problems("job_not_found", "invalid_transition"),
)
def cancel_job(
    job_id: str,
    house: HouseDep,
    viewer: ViewerDep,
    body: CancelSubmission | None = None,
) -> JSONResponse:
    """End a job: at once when it waits, at its next step when it runs; asking twice gives the same answer."""
    keep, retain = (body or CancelSubmission()).keep, house.settings.retain_seconds

    def cancel() -> object:
        return request_cancel(house.database, tenant=viewer.tenant, job_id=job_id, keep=keep, retain=retain)

    return _asked(house, viewer, job_id, cancel)


@router.post(
    "/{job_id:id}:pause",
    operation_id="pause_job",
    summary="Pause a job",
    status_code=202,
    response_model=JobObject,
    responses=problems("job_not_found", "invalid_transition"),
)
def pause_job(job_id: str, house: HouseDep, viewer: ViewerDep) -> JSONResponse:
    """Have a job wait until it is resumed: a running one writes a checkpoint and frees its slot.

    A job that stays paused past `pause_expires_at` is cancelled, its levels kept.
    """
    seconds = house.settings.pause_seconds

    def pause() -> object:
        return request_pause(house.database, tenant=viewer.tenant, job_id=job_id, pause_seconds=seconds)

    return _asked(house, viewer, job_id, pause)


@router.post(
    "/{job_id:id}:resume",
    operation_id="resume_job",
    summary="Let a paused job go on",
    status_code=202,
    response_model=JobObject,
    responses=problems("job_not_found", "invalid_transition"),
)
def resume_job(job_id: str, house: HouseDep, viewer: ViewerDep) -> JSONResponse:
    """Put a paused job back into the queue; whichever worker takes it goes on from its last checkpoint."""
    answer = _asked(
        house,
        viewer,
        job_id,
        lambda: request_resume(house.database, tenant=viewer.tenant, job_id=job_id),
    )
    with house.database.read() as conn:
        found = find_job(conn, job_id, viewer=viewer).object
        kinds = slots.worth_a_hint(conn, kind="search", device=found["device"])
    house.hints.look(kinds)
    return answer


@router.delete(
    "/{job_id:id}",
    operation_id="delete_job",
    summary="Delete a finished job and what it made",
    status_code=204,
    response_class=Response,
    responses=problems("job_not_found", "invalid_transition", "part_of_grid"),
)
def delete_job(job_id: str, house: HouseDep, viewer: ViewerDep) -> Response:
    """Delete a job that is done, with all it made; a grid with its children. What was made from it stays."""
    with missing_is("job_not_found"):
        delete(house.database, tenant=viewer.tenant, job_id=job_id)
    return Response(status_code=204)


def _asked(house: House, viewer: Viewer, job_id: str, ask: Callable[[], object]) -> JSONResponse:
    """Ask, tell the worker and whoever watches, and give the job as it is now."""
    with missing_is("job_not_found"):
        ask()
    with missing_is("job_not_found"), house.database.read() as conn:
        found = find_job(conn, job_id, viewer=viewer)
        told = (job_id, *trees.running_children(conn, job_id))
    for each in told:
        house.hints.ordered(each)
        house.hints.changed(each)
    house.hub.nudge_from_thread()
    return JSONResponse(found.object, 202, headers={"ETag": weak(found.etag)})

"""A job's log over HTTP, as a page or as a stream, and the words its attempts wrote."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

from jobs.attempts import log_of
from jobs.events import page
from jobs.records import JobView, Viewer, find_job
from service.dependencies import House, HouseDep, ViewerDep
from service.entering.admission import while_permitted
from service.job_schemas import EventPage
from service.logs import tail_of
from service.openapi import problems
from service.problems import missing_is
from service.streaming import stream

STREAM = "text/event-stream"
MAX_LIMIT = 1000

router = APIRouter(prefix="/v1/jobs", tags=["What a job says"])

After = Annotated[int, Query(ge=0, lt=2**31, description="The last `seq` you have.")]
LastEventId = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, lt=2**31, description="What `after` says, as browsers send it."),
]
Accept = Annotated[str, Header(description=f"`{STREAM}` asks for the stream.")]


@router.get(
    "/{job_id:id}/events",
    operation_id="get_events",
    summary="A job's events, as a page or a stream",
    response_model=EventPage,
    responses=problems(
        "job_not_found",
        beside={
            200: {
                "description": "A page, or with `Accept: text/event-stream` the events as they happen: `id` is `seq`, "
                "`event` the type, and progress comes as event `progress` without an id, at most once a second.",
                "content": {STREAM: {"schema": {"type": "string"}}},
            },
            204: {"description": "The job is over and you have its last event: do not come back."},
        },
    ),
)
async def get_events(
    job_id: str,
    request: Request,
    house: HouseDep,
    viewer: ViewerDep,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Of a page.")] = 200,
    last_event_id: LastEventId = None,
    accept: Accept = "application/json",
) -> Response:
    """Give the events after `after` (or `Last-Event-ID`): a reader that comes back misses none and sees none twice."""
    position = after if last_event_id is None else last_event_id

    def look() -> JobView:
        with missing_is("job_not_found"), house.database.read() as conn:
            return find_job(conn, job_id, viewer=viewer)

    job = await run_in_threadpool(look)
    if STREAM not in accept.lower():
        items = await _log(house, viewer, job_id, position, limit)
        return JSONResponse({"items": items, "next_after": items[-1]["seq"] if items else position})
    if job.object["done"] and position >= job.last_seq:
        return Response(status_code=204)
    events = stream(
        job_id,
        after=position,
        read_log=lambda sent: _log(house, viewer, job_id, sent, limit),
        hub=house.hub,
        clock=asyncio.get_running_loop().time,
    )
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventSourceResponse(while_permitted(events, request), headers=headers)


async def _log(house: House, viewer: Viewer, job_id: str, after: int, limit: int) -> Sequence[Mapping[str, Any]]:
    def read() -> list[dict[str, Any]]:
        with house.database.read() as conn:
            return page(conn, tenant=viewer.tenant, job_id=job_id, after=after, limit=limit)

    return await run_in_threadpool(read)


@router.get(
    "/{job_id:id}/logs",
    operation_id="get_logs",
    summary="What an attempt wrote to stdout and stderr",
    response_class=PlainTextResponse,
    responses=problems("job_not_found"),
)
def get_logs(
    job_id: str,
    house: HouseDep,
    viewer: ViewerDep,
    attempt: Annotated[int | None, Query(ge=1, le=10_000, description="The last one when absent.")] = None,
    tail: Annotated[int, Query(ge=1, le=10_000, description="Lines from the end.")] = 200,
) -> PlainTextResponse:
    """Give the last lines of an attempt; empty when it wrote none. Of one that runs elsewhere, up to its checkpoint."""
    with missing_is("job_not_found"), house.database.read() as conn:
        found = find_job(conn, job_id, viewer=viewer)
        number = attempt or found.object["attempt"]
        log = log_of(conn, tenant=viewer.tenant, job_id=found.id, number=number)
    file = house.settings.paths.logs / f"{found.id}-{number}.log"
    return PlainTextResponse(tail_of(log, file, blobs=house.blobs, lines=tail))

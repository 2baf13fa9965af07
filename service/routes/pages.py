"""The web pages: the jobs, one job, the API and its problems; they read what the API reads."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from jobs.errors import NotFoundError
from jobs.pages import PageRequest
from jobs.records import Filters, Viewer, find_job, list_jobs
from service import capacity_showing, file_showing, grid_showing, showing
from service.catalogue import PROBLEMS
from service.dependencies import House, HouseDep, ViewerDep
from service.failures import FAILURES
from service.openapi import operations
from service.problems import in_query, missing_is
from service.results import results_of

PER_PAGE = 25
# What changes anything but the progress bar: the page is drawn anew.
EVENT_TYPES = tuple(
    f"job.{word}"
    for word in (
        "queued", "started", "phase", "level_completed", "ticket_found", "warning", "pausing", "paused", "resumed",
        "cancelling", "worker_lost", "succeeded", "failed", "cancelled",
    )
)  # fmt: skip

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/")
def index(
    request: Request, house: HouseDep, viewer: ViewerDep, page_token: Annotated[str | None, Query()] = None
) -> HTMLResponse:
    """Show the jobs, the newest first."""
    page = PageRequest(size=PER_PAGE, token=page_token)
    with in_query(), house.database.read() as conn:
        found = list_jobs(conn, viewer=viewer, filters=Filters(), page=page)
        about = showing.labels_of(conn, [view.id for view in found.items])
    jobs = [{**view.object, "about": about[view.id]} for view in found.items]
    context = {
        "jobs": jobs,
        "busy": any(not job["done"] for job in jobs) or not jobs,
        "next_page_token": found.next_page_token,
        "base_url": viewer.base_url,
    }
    return house.templates.TemplateResponse(request, "index.html", context)


@router.get("/jobs/{job_id:id}")
def job_page(job_id: str, request: Request, house: HouseDep, viewer: ViewerDep) -> HTMLResponse:
    """Show one job: where it is, what it found, what it made."""
    with missing_is("job_not_found"), house.database.read() as conn:
        job = find_job(conn, job_id, viewer=viewer).object
        about = showing.labels_of(conn, [job_id])[job_id]
        origin_there = job["origin"] is not None and _is_there(conn, job["origin"]["job"], viewer)
    made = results_of(house, viewer, job_id)
    report = showing.report_of(made, house.blobs)
    shared = {"job": job, "about": about, "origin_there": origin_there}
    shared |= {"artifacts": file_showing.by_importance(made), "what": file_showing.FILES}
    if job["kind"] == "grid":
        children = _points(house, viewer, job_id)
        context = {**shared, **grid_showing.context(job, children, report)}
        return house.templates.TemplateResponse(request, "grid.html", context)
    shared |= {"waiting": showing.waiting(job), "event_types": EVENT_TYPES}
    if job["search"] == "capacity_sweep":
        context = {**shared, **capacity_showing.context(job, made, report)}
        return house.templates.TemplateResponse(request, "job.html", context)
    rows = showing.level_rows(made, report)
    word, sentence = showing.verdict(report)
    context = {
        **shared,
        "verdict_word": word,
        "verdict_sentence": sentence,
        "tiles": showing.tiles(job, report),
        "levels": rows,
        "branches": showing.branches(rows),
        "figure": showing.figure(rows),
        "exports_left": file_showing.exports_left(made),
        "widths": [],
        "curves": [],
    }
    return house.templates.TemplateResponse(request, "job.html", context)


def _is_there(conn: Connection, job_id: str, viewer: Viewer) -> bool:
    try:
        find_job(conn, job_id, viewer=viewer)
    except NotFoundError:
        return False
    return True


def _points(house: House, viewer: Viewer, grid_id: str) -> list[Mapping[str, Any]]:
    page = PageRequest(size=grid_showing.MAX_SHOWN, order="created_at")
    with house.database.read() as conn:
        found = list_jobs(conn, viewer=viewer, filters=Filters(parent=grid_id), page=page)
    return [view.object for view in found.items]


@router.get("/docs")
def docs_page(request: Request, house: HouseDep) -> HTMLResponse:
    """Show the API, from the same document a machine reads."""
    spec = request.app.openapi()
    groups: dict[str, list[dict[str, Any]]] = {}
    for method, path, operation in operations(spec):
        body = operation.get("requestBody", {}).get("content", {})
        examples: dict[str, Any] = next((content["examples"] for content in body.values() if "examples" in content), {})
        shown = {**operation, "method": method.upper(), "path": path, "examples": examples}
        groups.setdefault(operation["tags"][0], []).append(shown)
    return house.templates.TemplateResponse(request, "docs.html", {"spec": spec, "groups": groups})


@router.get("/errors")
def errors_page(request: Request, house: HouseDep) -> HTMLResponse:
    """Explain every problem; the `type` of each leads here."""
    context = {"problems": PROBLEMS, "failures": FAILURES}
    return house.templates.TemplateResponse(request, "errors.html", context)

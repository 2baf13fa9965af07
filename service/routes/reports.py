"""What a job made, over HTTP, as a whole: the report in its three forms, and everything as one archive."""

from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from service import bundle
from service.dependencies import HouseDep, ViewerDep
from service.openapi import FILE, NO_FILE, problems
from service.results import file_answer, results_of

router = APIRouter(prefix="/v1/jobs", tags=["What a job made"])


@router.get(
    "/{job_id:id}/report",
    operation_id="get_report",
    summary="The report as JSON",
    response_class=JSONResponse,
    responses=problems(*NO_FILE, beside=FILE),
)
def get_report(job_id: str, request: Request, house: HouseDep, viewer: ViewerDep) -> Response:
    """Give levels, certificate, invariants, cost, sizes and provenance."""
    return file_answer(house, request, results_of(house, viewer, job_id).artifact("report.json"))


@router.get(
    "/{job_id:id}/report.html",
    operation_id="get_report_page",
    summary="The report as one self-contained page",
    response_class=Response,
    responses=problems(*NO_FILE, beside=FILE),
)
def get_report_page(job_id: str, request: Request, house: HouseDep, viewer: ViewerDep) -> Response:
    """Give the page; it opens offline and runs no script."""
    return file_answer(house, request, results_of(house, viewer, job_id).artifact("report.html"))


@router.get(
    "/{job_id:id}/report.md",
    operation_id="get_model_card",
    summary="The report as a model card",
    response_class=Response,
    responses=problems(*NO_FILE, beside=FILE),
)
def get_model_card(job_id: str, request: Request, house: HouseDep, viewer: ViewerDep) -> Response:
    """Give the card, Markdown."""
    return file_answer(house, request, results_of(house, viewer, job_id).artifact("report.md"))


@router.get(
    "/{job_id:id}/bundle",
    operation_id="get_bundle",
    summary="Everything a job made, as one .tar",
    response_class=StreamingResponse,
    responses=problems(
        "job_not_found",
        "artifact_not_found",
        beside={200: {"description": "The archive.", "content": {"application/x-tar": {}}}},
    ),
)
def get_bundle(job_id: str, house: HouseDep, viewer: ViewerDep) -> StreamingResponse:
    """Stream all artifacts under one folder; the model card is in it as `README.md` too."""
    made = results_of(house, viewer, job_id)
    made.artifact("manifest.json")
    items = dict(made.artifacts)
    if "report.md" in items:
        items["README.md"] = items["report.md"]
    members = [
        bundle.Member(
            name=f"{job_id}/{name}",
            sha256=item["sha256"],
            bytes=item["bytes"],
            modified=int(datetime.fromisoformat(item["created_at"]).timestamp()),
        )
        for name, item in sorted(items.items())
    ]
    headers = {
        "Content-Length": str(bundle.length(members)),
        "Content-Disposition": f'attachment; filename="{job_id}.tar"',
    }
    return StreamingResponse(bundle.chunks(members, house.blobs), media_type="application/x-tar", headers=headers)

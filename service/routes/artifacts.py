"""What a job made, over HTTP, piece by piece: its levels and its files."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from service.choosing import level_at_sparsity, level_within_drop
from service.dependencies import HouseDep, ViewerDep
from service.job_schemas import ArtifactList, LevelList
from service.openapi import FILE, NO_FILE, problems
from service.problems import Problem
from service.results import Results, file_answer, results_of

router = APIRouter(prefix="/v1/jobs", tags=["What a job made"])

AtSparsity = Annotated[float | None, Query(ge=0, lt=1, description="The file of the first level at least this sparse.")]
WithinDrop = Annotated[
    float | None,
    Query(ge=0, le=1, description="The file of the sparsest level this near to dense (validation accuracy, fraction)."),
]


@router.get(
    "/{job_id:id}/levels",
    operation_id="list_levels",
    summary="What a job found at each level",
    response_model=LevelList,
    responses=problems("job_not_found"),
)
def get_levels(job_id: str, house: HouseDep, viewer: ViewerDep) -> JSONResponse:
    """List the completed levels of a job's searches, by replicate and level; grows while the job runs."""
    return JSONResponse({"items": results_of(house, viewer, job_id).levels, "next_page_token": None})


@router.get(
    "/{job_id:id}/artifacts",
    operation_id="list_artifacts",
    summary="What a job made",
    response_model=ArtifactList,
    responses=problems("job_not_found"),
)
def get_artifacts(job_id: str, house: HouseDep, viewer: ViewerDep) -> JSONResponse:
    """List the files of a succeeded job with their sha256; a job that is not one has none."""
    made = results_of(house, viewer, job_id).artifacts
    items = [
        {**item, "url": f"{viewer.base_url}/v1/jobs/{job_id}/artifacts/{quote(name)}"} for name, item in made.items()
    ]
    return JSONResponse({"items": items, "next_page_token": None})


@router.head(
    "/{job_id:id}/artifacts/{name:path}",
    operation_id="have_artifact",
    summary="Size and digest of a file",
    response_class=Response,
    responses=problems(*NO_FILE, "level_not_kept", beside=FILE),
)
@router.get(
    "/{job_id:id}/artifacts/{name:path}",
    operation_id="get_artifact",
    summary="Download a file",
    response_class=Response,
    responses=problems(*NO_FILE, "level_not_kept", beside=FILE),
)
def get_artifact(
    job_id: str,
    name: str,
    request: Request,
    house: HouseDep,
    viewer: ViewerDep,
    sparsity: AtSparsity = None,
    max_accuracy_drop: WithinDrop = None,
) -> Response:
    """Give the bytes of a file; `name` is looked up among the job's artifacts and never becomes a path."""
    made = results_of(house, viewer, job_id)
    level = _level(made, sparsity, max_accuracy_drop)
    item = made.artifact(name if level is None else made.name_at(name, level))
    return file_answer(house, request, item, attached=True)


def _level(made: Results, sparsity: float | None, max_accuracy_drop: float | None) -> int | None:
    if sparsity is not None and max_accuracy_drop is not None:
        raise Problem("invalid_request", "expected sparsity or max_accuracy_drop, got both")
    if sparsity is not None:
        return level_at_sparsity(made.levels, sparsity)
    return None if max_accuracy_drop is None else level_within_drop(made.levels, max_accuracy_drop)

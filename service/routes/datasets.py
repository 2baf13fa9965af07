"""Datasets over HTTP: registered, listed, looked at, waited for."""

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from jobs import slots
from jobs.inputs import Dataset, dataset_object, etag, find_dataset, list_datasets
from jobs.making.intake import create_dataset
from jobs.making.submissions import DatasetSubmission
from service.conditional import IfNoneMatch, document, weak
from service.dependencies import JSON_ONLY, HouseDep, PageDep, RawBody, ViewerDep, Wait
from service.once import ONCE, Created, IdempotencyKey, create_once
from service.openapi import NOT_MODIFIED, problems
from service.problems import in_query, missing_is
from service.schemas import DatasetList, DatasetObject
from service.waiting import until

router = APIRouter(prefix="/v1/datasets", tags=["Datasets"])


@router.post(
    "",
    operation_id="create_dataset",
    summary="Register a dataset",
    status_code=201,
    response_model=DatasetObject,
    dependencies=[JSON_ONLY],
    responses=problems("bad_dataset", *ONCE),
)
def create(
    body: DatasetSubmission,
    request: Request,
    raw: RawBody,
    house: HouseDep,
    viewer: ViewerDep,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Register a dataset: a builtin one by its uri, or a `.npz` file sent before; a worker inspects it."""

    def creating(conn: Connection) -> Created:
        made = create_dataset(conn, tenant=viewer.tenant, body=body)
        kinds = slots.worth_a_hint(conn, kind="inspect", device="any") if made.state == "inspecting" else ()
        return Created(201, dataset_object(made), {"Location": f"/v1/datasets/{made.id}"}, kinds)

    return create_once(house, request, raw, key, creating)


@router.get(
    "",
    operation_id="list_datasets",
    summary="List datasets, the newest first",
    response_model=DatasetList,
)
def listed(house: HouseDep, viewer: ViewerDep, page: PageDep) -> JSONResponse:
    """List this tenant's datasets."""
    with in_query(), house.database.read() as conn:
        found = list_datasets(conn, tenant=viewer.tenant, page=page)
    return JSONResponse(
        {"items": [dataset_object(item) for item in found.items], "next_page_token": found.next_page_token}
    )


@router.get(
    "/{dataset_id:id}",
    operation_id="get_dataset",
    summary="Look at a dataset",
    response_model=DatasetObject,
    responses=problems("dataset_not_found", beside=NOT_MODIFIED),
)
async def get(
    dataset_id: str, house: HouseDep, viewer: ViewerDep, wait: Wait = 0, if_none_match: IfNoneMatch = None
) -> Response:
    """Give a dataset as it is now; with `wait`, as it is once it is no longer inspecting, or when the time is up."""

    def read() -> Dataset:
        with missing_is("dataset_not_found"), house.database.read() as conn:
            return find_dataset(conn, tenant=viewer.tenant, dataset_id=dataset_id)

    found = await until(
        lambda dataset: dataset.state != "inspecting", read, hub=house.hub, thing=dataset_id, seconds=wait
    )
    return document(dataset_object(found), weak(etag(found)), if_none_match)

"""Models over HTTP: registered, listed, looked at, waited for."""

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from jobs import slots
from jobs.inputs import Model, etag, find_model, list_models, model_object
from jobs.making.intake import create_model
from jobs.making.submissions import ModelSubmission
from service.conditional import IfNoneMatch, document, weak
from service.dependencies import JSON_ONLY, HouseDep, PageDep, RawBody, ViewerDep, Wait
from service.once import ONCE, Created, IdempotencyKey, create_once
from service.openapi import NOT_MODIFIED, problems
from service.problems import in_query, missing_is
from service.schemas import ModelList, ModelObject
from service.validation import header_check
from service.waiting import until

router = APIRouter(prefix="/v1/models", tags=["Models"])


@router.post(
    "",
    operation_id="create_model",
    summary="Register a model",
    status_code=201,
    response_model=ModelObject,
    dependencies=[JSON_ONLY],
    responses=problems("bad_model", *ONCE),
)
def create(
    body: ModelSubmission,
    request: Request,
    raw: RawBody,
    house: HouseDep,
    viewer: ViewerDep,
    key: IdempotencyKey = None,
) -> JSONResponse:
    """Register a network: an architecture with a seed, or a `.safetensors` file sent before.

    The file's header is held against the architecture at once; its values are inspected by a worker."""

    check = header_check(house.database, house.blobs, tenant=viewer.tenant, sha256=body.sha256)

    def creating(conn: Connection) -> Created:
        made = create_model(conn, tenant=viewer.tenant, body=body, check_header=check)
        kinds = slots.worth_a_hint(conn, kind="inspect", device="any") if made.state == "inspecting" else ()
        return Created(201, model_object(made), {"Location": f"/v1/models/{made.id}"}, kinds)

    return create_once(house, request, raw, key, creating)


@router.get(
    "",
    operation_id="list_models",
    summary="List models, the newest first",
    response_model=ModelList,
)
def listed(house: HouseDep, viewer: ViewerDep, page: PageDep) -> JSONResponse:
    """List this tenant's models."""
    with in_query(), house.database.read() as conn:
        found = list_models(conn, tenant=viewer.tenant, page=page)
    return JSONResponse(
        {"items": [model_object(item) for item in found.items], "next_page_token": found.next_page_token}
    )


@router.get(
    "/{model_id:id}",
    operation_id="get_model",
    summary="Look at a model",
    response_model=ModelObject,
    responses=problems("model_not_found", beside=NOT_MODIFIED),
)
async def get(
    model_id: str, house: HouseDep, viewer: ViewerDep, wait: Wait = 0, if_none_match: IfNoneMatch = None
) -> Response:
    """Give a model as it is now; with `wait`, as it is once it is no longer inspecting, or when the time is up."""

    def read() -> Model:
        with missing_is("model_not_found"), house.database.read() as conn:
            return find_model(conn, tenant=viewer.tenant, model_id=model_id)

    found = await until(lambda model: model.state != "inspecting", read, hub=house.hub, thing=model_id, seconds=wait)
    return document(model_object(found), weak(etag(found)), if_none_match)

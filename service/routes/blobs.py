"""Bytes on their way in: have I sent them already, and here they are."""

import shutil
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from jobs import grants
from jobs.blobs import Stored
from jobs.errors import StoreUnavailableError
from jobs.ids import SHA256
from service.dependencies import UNENCODED, House, HouseDep, ViewerDep
from service.openapi import problems
from service.problems import Problem
from service.receiving import receive

SPARE_BYTES = 64 << 20
"""Left on the disk whatever is sent: the database lies there too."""

router = APIRouter(prefix="/v1/blobs", tags=["Blobs"])
Sha256 = Annotated[str, Path(pattern=SHA256, description="Of the bytes, in lower-case hexadecimal.")]


class Blob(BaseModel):
    """Bytes that are kept."""

    sha256: str
    bytes: int


@router.head(
    "/{sha256}",
    operation_id="have_blob",
    summary="Have I sent these bytes already?",
    response_class=Response,
    responses=problems("blob_not_found", beside={200: {"description": "They are here; Content-Length says how many."}}),
)
def have_blob(sha256: Sha256, house: HouseDep, viewer: ViewerDep) -> Response:
    """Say whether this tenant has sent a blob; one of another tenant is as if it did not exist."""
    with house.database.read() as conn:
        stored = grants.granted(conn, tenant=viewer.tenant, sha256=sha256)
    if stored is None:
        raise Problem("blob_not_found", f"no bytes with sha256 {sha256} were sent")
    return Response(headers={"Content-Length": str(stored.bytes), "ETag": f'"{sha256}"'})


@router.put(
    "/{sha256}",
    operation_id="put_blob",
    summary="Send bytes under their sha256",
    status_code=201,
    response_model=Blob,
    dependencies=[UNENCODED],
    responses=problems(
        "unsupported_media_type",
        "digest_mismatch",
        "store_unavailable",
        "insufficient_storage",
        beside={200: {"description": "They were here already.", "model": Blob}},
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The raw bytes; never multipart, never encoded.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def put_blob(sha256: Sha256, request: Request, house: HouseDep, viewer: ViewerDep) -> JSONResponse:
    """Keep the body if it has the sha256 of the path: streamed to disk, hashed on the way, in bounded memory."""
    _refuse_before_reading(request, house)
    writer = await run_in_threadpool(house.blobs.writer, max_bytes=house.settings.max_blob_bytes)
    stored = await receive(request.stream(), writer, sha256=sha256)
    known = await run_in_threadpool(_grant, house, viewer.tenant, stored)
    return JSONResponse(vars(stored), 200 if known else 201)


def _refuse_before_reading(request: Request, house: House) -> None:
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/"):
        raise Problem("unsupported_media_type", "expected the raw bytes as body, got multipart")
    declared = request.headers.get("content-length", "0")
    length = int(declared) if declared.isdecimal() else 0
    if length > house.settings.max_blob_bytes:
        raise Problem("body_too_large", f"expected at most {house.settings.max_blob_bytes} bytes, got {declared[:20]}")
    free = shutil.disk_usage(house.settings.paths.blobs).free
    if length + SPARE_BYTES > free:
        raise Problem("insufficient_storage", f"expected at most {max(0, free - SPARE_BYTES)} bytes, got {length}")


def _grant(house: House, tenant: str, stored: Stored) -> bool:
    """Let the tenant use the blob, and say whether it could before."""
    with house.database.write() as conn:
        known = grants.granted(conn, tenant=tenant, sha256=stored.sha256) is not None
        grants.grant(conn, tenant=tenant, stored=stored)
    # A collection under way may have taken the bytes for forgotten before the grant was there; none does after it.
    if not house.blobs.exists(stored.sha256):
        raise StoreUnavailableError("expected the bytes to stay, but they were being collected: send them again")
    return known

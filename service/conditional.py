"""Conditional requests (RFC 9110 §13): does the client have this already; knows no resource."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Header
from starlette.responses import JSONResponse, Response

IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="An ETag: 304 when the answer would be the same.")
]


def weak(text: str) -> str:
    """Write the ETag of a document that may differ in what does not matter (durations that run on)."""
    return f'W/"{text}"'


def strong(sha256: str) -> str:
    """Write the ETag of bytes."""
    return f'"{sha256}"'


def names(header: str | None, etag: str) -> bool:
    """Say whether an `If-None-Match` or `If-Match` header names an ETag, weakness left aside."""
    if header is None:
        return False
    listed = [item.strip().removeprefix("W/") for item in header.split(",")]
    return "*" in listed or etag.removeprefix("W/") in listed


def document(body: Mapping[str, Any], etag: str, if_none_match: str | None) -> Response:
    """Answer a document with its ETag, or 304 when the client has it."""
    if names(if_none_match, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return JSONResponse(body, headers={"ETag": etag, "Cache-Control": "no-cache"})

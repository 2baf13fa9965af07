"""What a route may ask for, each as a type: the open house, who is asking, the pages' templates."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.templating import Jinja2Templates

from jobs.access.callers import Caller
from jobs.blobs import Blobs
from jobs.database import Database
from jobs.pages import PageRequest
from jobs.records import Viewer
from jobs.settings import Settings
from service.entering.admission import permit
from service.hints import Hints
from service.hub import Hub
from service.problems import Problem

MAX_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class House:
    """Everything that is opened once, at start, and closed at the end."""

    settings: Settings
    database: Database
    blobs: Blobs
    hub: Hub
    hints: Hints
    templates: Jinja2Templates


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


def _viewer(request: Request, caller: Annotated[Caller | None, Depends(permit)]) -> Viewer:
    if caller is None:
        raise RuntimeError(f"expected a path that asks who it is, got {request.scope['path']}, which is open")
    house = _house(request)
    return Viewer(
        tenant=caller.tenant,
        base_url=str(request.base_url).rstrip("/"),
        slot_seconds=house.settings.lease_ttl_seconds,
    )


async def _raw_body(request: Request) -> bytes:
    return await request.body()


def _json_only(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem("unsupported_media_type", f"expected Content-Type application/json, got {kind[:80]!r}")
    _no_encoding(request)


def _no_encoding(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise Problem("unsupported_media_type", f"expected a body without Content-Encoding, got {encoding[:40]!r}")


def _page(
    page_size: Annotated[int, Query(description="Items of a page; taken as the nearest of 1 to 200.")] = 50,
    page_token: Annotated[str | None, Query(description="`next_page_token` of the page before.")] = None,
) -> PageRequest:
    return PageRequest(size=page_size, token=page_token)


HouseDep = Annotated[House, Depends(_house)]
ViewerDep = Annotated[Viewer, Depends(_viewer)]
PageDep = Annotated[PageRequest, Depends(_page)]
RawBody = Annotated[bytes, Depends(_raw_body)]
JSON_ONLY = Depends(_json_only)
"""Refuses a body of another media type, which no browser form can then send."""
UNENCODED = Depends(_no_encoding)
Wait = Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS, description="Seconds to wait for a change before answering.")]

"""A request that creates something: one transaction, one answer per Idempotency-Key; knows not what it creates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Header, Request
from sqlalchemy import Connection
from starlette.responses import JSONResponse

from jobs import idempotency
from jobs.database import Database
from jobs.idempotency import Answer
from jobs.retrying import retried
from service.dependencies import House
from service.entering.admission import tenant_of

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="The same key and body within 24 hours get the first answer again.",
    ),
]
ONCE = ("idempotency_key_reused", "idempotency_key_in_flight")
"""The problems such a route can answer with."""


@dataclass(frozen=True)
class Created:
    """What was created, as it is answered, and who should look."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    kinds: tuple[str, ...] = field(default=())
    """Of slots that may have new work."""


def create_once(
    house: House, request: Request, raw: bytes, key: str | None, create: Callable[[Connection], Created]
) -> JSONResponse:
    """Create and answer in one transaction, or repeat the answer that the key got before.

    Args:
        house: Where to create.
        request: Its method and path belong to what a key stands for.
        raw: Its body, as it was sent.
        key: None: whatever is asked twice is done twice.
        create: Works inside the transaction it is given; again in another one, where that lost against others.

    Raises:
        KeyReusedError: The key was used for another request.
        KeyInFlightError: The first request with this key has not been answered yet.
    """
    tenant = tenant_of(request)
    if key is None:
        return _answer(house, _created(house.database, create, tenant=tenant, key=None))
    asked = f"{request.method} {request.url.path}\n".encode() + raw
    earlier = idempotency.reserve(house.database, tenant=tenant, key=key, request=asked)
    if earlier is not None:
        replayed = {**earlier.headers, "Idempotency-Replayed": "true"}
        return JSONResponse(earlier.body, earlier.status, headers=replayed)
    try:
        created = _created(house.database, create, tenant=tenant, key=key)
    except BaseException:
        idempotency.forget(house.database, tenant=tenant, key=key)
        raise
    return _answer(house, created)


@retried
def _created(db: Database, create: Callable[[Connection], Created], *, tenant: str, key: str | None) -> Created:
    """Create, and keep the answer for the key if there is one: both or neither."""
    with db.write() as conn:
        created = create(conn)
        if key is not None:
            answer = Answer(created.status, created.body, created.headers)
            idempotency.remember(conn, tenant=tenant, key=key, answer=answer)
    return created


def _answer(house: House, created: Created) -> JSONResponse:
    house.hints.look(created.kinds)
    return JSONResponse(created.body, created.status, headers=dict(created.headers))

"""One answer per Idempotency-Key: kept 24 hours per tenant; knows neither what was asked nor how it is sent."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, update

from jobs.clock import db_now, now
from jobs.database import Database
from jobs.errors import KeyInFlightError, KeyReusedError
from jobs.retrying import retried
from jobs.tables import idempotency, is_first

KEPT_SECONDS = 24 * 3600
ABANDONED_SECONDS = 60
"""A request that was not answered in this time died with its process; the key is free again."""


@dataclass(frozen=True)
class Answer:
    """What was answered the first time."""

    status: int
    body: Any
    headers: Mapping[str, str]


@retried
def reserve(db: Database, *, tenant: str, key: str, request: bytes) -> Answer | None:
    """Take a key for a request, or give the answer its first use got.

    After None the caller answers with `remember`, in the transaction that creates, or gives the key up with `forget`.

    Args:
        db: The database.
        tenant: Whose key it is; two tenants may use the same.
        key: As it was sent.
        request: Method, path and body: what must be the same for an answer to be the same.

    Raises:
        KeyReusedError: The key was used for another request.
        KeyInFlightError: The first request is still being answered.
    """
    digest = hashlib.sha256(request).hexdigest()
    with db.write() as conn:
        forget_old(conn)
        reserved = {"tenant": tenant, "key": key, "request_sha256": digest, "created_at": now(conn)}
        # Of many at the same instant one inserts the row and the others wait for it.
        if is_first(conn, idempotency, reserved):
            return None
        mine = (idempotency.c.tenant == tenant) & (idempotency.c.key == key)
        row = conn.execute(select(idempotency).where(mine)).one_or_none()
    if row is None:
        raise KeyInFlightError("the first request with this Idempotency-Key was given up just now; send it again")
    if row.request_sha256 != digest:
        raise KeyReusedError("expected the request this Idempotency-Key was first used for, got another")
    if row.answer is None:
        raise KeyInFlightError("the first request with this Idempotency-Key has not been answered yet")
    return Answer(row.answer["status"], row.answer["body"], row.answer["headers"])


def remember(conn: Connection, *, tenant: str, key: str, answer: Answer) -> None:
    """Keep the answer, inside the transaction that creates what it tells of: both are kept, or neither is."""
    mine = (idempotency.c.tenant == tenant) & (idempotency.c.key == key)
    kept = {"status": answer.status, "body": answer.body, "headers": dict(answer.headers)}
    conn.execute(update(idempotency).where(mine).values(answer=kept))


@retried
def forget(db: Database, *, tenant: str, key: str) -> None:
    """Give up a key whose request created nothing; an answered one is kept."""
    with db.write() as conn:
        conn.execute(
            delete(idempotency).where(
                idempotency.c.tenant == tenant, idempotency.c.key == key, idempotency.c.answer.is_(None)
            )
        )


def forget_old(conn: Connection) -> None:
    """Delete the keys whose time is over, answered or abandoned."""
    abandoned = idempotency.c.answer.is_(None) & (idempotency.c.created_at < db_now() - ABANDONED_SECONDS)
    conn.execute(delete(idempotency).where(abandoned | (idempotency.c.created_at < db_now() - KEPT_SECONDS)))

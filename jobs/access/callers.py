"""Who shows a key, and what he may do with it; knows no HTTP, and makes no key."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from jobs.access.keys import SCOPES, Key, digest, key_of
from jobs.clock import db_now
from jobs.database import Database
from jobs.errors import KeyRefusedError
from jobs.tables import api_key

NOTED_SECONDS = 60.0
"""A key's `used_at` is written at most this often."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Caller:
    """Who sends a request, and what he may do."""

    tenant: str
    key_id: str | None
    """None where no key exists and the house is open."""
    scopes: tuple[str, ...] = SCOPES


def caller_with(db: Database, secret: str) -> Caller:
    """Say whom a secret lets in, and note that its key was used.

    Raises:
        KeyRefusedError: It is unknown, expired or revoked.
    """
    return admitted(db, lambda conn: key_where(conn, api_key.c.secret_sha256 == digest(secret)))


def key_where(conn: Connection, condition: ColumnElement[bool]) -> Key | None:
    """Look up the one key that a condition is true of."""
    row = conn.execute(select(api_key, db_now().label("read_at")).where(condition)).mappings().one_or_none()
    return None if row is None else key_of(row)


def admitted(db: Database, look: Callable[[Connection], Key | None]) -> Caller:
    """Let in whoever shows the key that `look` finds.

    Raises:
        KeyRefusedError: It finds none, or one that is not valid.
    """
    with db.read() as conn:
        key = look(conn)
    if key is None:
        raise KeyRefusedError("expected a key of this service, got one that is unknown here")
    if key.state != "valid":
        raise KeyRefusedError(f"expected a valid key, got {key.id}, which is {key.state}", key_id=key.id)
    if key.used_at is None or key.used_at < key.read_at - NOTED_SECONDS:
        _note_use(db, key.id)
    return Caller(key.tenant, key.id, key.scopes)


def _note_use(db: Database, key_id: str) -> None:
    stale = or_(api_key.c.used_at.is_(None), api_key.c.used_at < db_now() - NOTED_SECONDS)
    try:
        with db.write() as conn:
            conn.execute(update(api_key).where(api_key.c.id == key_id, stale).values(used_at=db_now()))
    except SQLAlchemyError as error:
        # Another write is in the way: no reason to refuse somebody who may enter; the next use notes it.
        log.warning("the use of %s was not noted: %s", key_id, type(error).__name__)

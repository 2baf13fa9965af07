"""API keys: made, listed, replaced and ended; a secret is kept as its SHA-256 alone. Knows nobody who shows one."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from sqlalchemy import Connection, RowMapping, literal, select, update

from jobs.clock import db_now, now
from jobs.errors import KeyStateError, NotFoundError
from jobs.ids import new_id
from jobs.redaction import HINT_CHARACTERS, PREFIX, redacted
from jobs.tables import api_key
from ticketing.errors import Fault, RequestError

Scope = Literal["read", "submit", "admin"]
State = Literal["valid", "expired", "revoked"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""Each may do what those before it may."""
SECRET_BYTES = 32
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Key:
    """A key as an operator sees it."""

    id: str
    tenant: str
    name: str | None
    hint: str
    """The first characters of its secret."""
    scopes: tuple[str, ...]
    state: State
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    used_at: float | None
    replaced_by: str | None
    read_at: float
    """The database's time when this was read."""


@dataclass(frozen=True)
class NewKey:
    """A key just made: the one moment its secret is known."""

    id: str
    secret: str = field(repr=False)


def digest(secret: str) -> str:
    """Give what is kept of a secret; 256 random bits need neither salt nor stretching."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(
    conn: Connection,
    *,
    tenant: str,
    scope: Scope,
    name: str | None = None,
    expires_seconds: float | None = None,
) -> NewKey:
    """Make a key for a tenant.

    Args:
        conn: The caller's write transaction.
        tenant: Whose things it reaches; a tenant is there once it has a key.
        scope: `admin` holds `submit`, which holds `read`.
        name: What it is for.
        expires_seconds: From now; None: never.

    Raises:
        RequestError: No name for a tenant.
    """
    if not _TENANT.fullmatch(tenant):
        detail = f"expected a tenant of letters, digits, '.', '_' and '-' (at most 64), got {tenant[:80]!r}"
        raise RequestError(detail, [Fault("/tenant", "bad_tenant", detail)])
    moment = now(conn)
    expires_at = None if expires_seconds is None else moment + expires_seconds
    scopes = SCOPES[: SCOPES.index(scope) + 1]
    return _insert(conn, tenant=tenant, scopes=scopes, name=name, created_at=moment, expires_at=expires_at)


def rotate(conn: Connection, key_id: str, *, overlap_seconds: float, expires_seconds: float | None = None) -> NewKey:
    """Make a key that takes another's place, which ends after `overlap_seconds`, or when it would have.

    Args:
        conn: The caller's write transaction.
        key_id: Of a valid key that was not replaced yet.
        overlap_seconds: In which both are valid, so that nobody is locked out meanwhile.
        expires_seconds: Of the new one; None: it lives as long as the old one was to live when it was made.

    Raises:
        NotFoundError: There is no such key.
        KeyStateError: It is not valid any more, or was replaced already.
    """
    old = find(conn, key_id, lock=True)
    if old.state != "valid" or old.replaced_by is not None:
        state = old.state if old.replaced_by is None else f"replaced by {old.replaced_by}"
        raise KeyStateError(f"expected a valid key that was not replaced, got {key_id}, which is {state}")
    moment = now(conn)
    if expires_seconds is None and old.expires_at is not None:
        expires_seconds = old.expires_at - old.created_at
    expires_at = None if expires_seconds is None else moment + expires_seconds
    new = _insert(conn, tenant=old.tenant, scopes=old.scopes, name=old.name, created_at=moment, expires_at=expires_at)
    ends = min(moment + overlap_seconds, old.expires_at or float("inf"))
    conn.execute(update(api_key).where(api_key.c.id == key_id).values(expires_at=ends, replaced_by=new.id))
    return new


def revoke(conn: Connection, key_id: str) -> Key:
    """End a key at once, and every login made with it; doing it twice is doing it once.

    Raises:
        NotFoundError: There is no such key.
    """
    find(conn, key_id, lock=True)
    still = api_key.c.id == key_id, api_key.c.revoked_at.is_(None)
    conn.execute(update(api_key).where(*still).values(revoked_at=db_now()))
    return find(conn, key_id)


def find(conn: Connection, key_id: str, *, lock: bool = False) -> Key:
    """Look up a key.

    Raises:
        NotFoundError: There is no such key.
    """
    query = select(api_key, db_now().label("read_at")).where(api_key.c.id == key_id)
    row = conn.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFoundError(f"expected the id of a key (key_...), got {redacted(key_id)[:80]!r}, and there is none")
    return key_of(row)


def listed(conn: Connection, *, tenant: str | None = None) -> Sequence[Key]:
    """List keys, the oldest first; of one tenant or of all."""
    query = select(api_key, db_now().label("read_at")).order_by(api_key.c.created_at, api_key.c.id)
    if tenant is not None:
        query = query.where(api_key.c.tenant == tenant)
    return [key_of(row) for row in conn.execute(query).mappings()]


def any_key(conn: Connection) -> bool:
    """Say whether a key was ever made: from then on nobody enters without one, also when all are revoked."""
    return conn.execute(select(literal(1)).select_from(api_key).limit(1)).one_or_none() is not None


def _insert(conn: Connection, *, scopes: Sequence[str], **columns: Any) -> NewKey:
    new = NewKey(new_id("key"), PREFIX + secrets.token_urlsafe(SECRET_BYTES))
    hidden = {"secret_sha256": digest(new.secret), "hint": new.secret[:HINT_CHARACTERS]}
    conn.execute(api_key.insert().values(id=new.id, scopes=list(scopes), **hidden, **columns))
    return new


def key_of(row: RowMapping) -> Key:
    """Read a row of the table, selected with the time as `read_at`."""
    expired = row["expires_at"] is not None and row["expires_at"] <= row["read_at"]
    state: State = "revoked" if row["revoked_at"] is not None else "expired" if expired else "valid"
    shown = {name: row[name] for name in Key.__dataclass_fields__ if name not in ("state", "scopes")}
    return Key(**shown, scopes=tuple(row["scopes"]), state=state)

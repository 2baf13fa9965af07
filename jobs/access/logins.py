"""Browsers that have shown a key: each holds a secret of its own for a while, kept here hashed; knows no cookie."""

import secrets

from sqlalchemy import Connection, delete, select

from jobs.access.callers import Caller, admitted, key_where
from jobs.access.keys import SECRET_BYTES, Key, digest
from jobs.clock import db_now, now
from jobs.database import Database
from jobs.tables import api_key, login


def open_login(conn: Connection, *, caller: Caller, seconds: float) -> str:
    """Let a browser in for up to `seconds` on the key it has shown, and give the secret it comes back with.

    The login ends with its key. Logins whose time is over are forgotten on the way.
    """
    moment = now(conn)
    conn.execute(delete(login).where(login.c.expires_at <= moment))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    conn.execute(
        login.insert().values(
            secret_sha256=digest(secret),
            tenant=caller.tenant,
            key_id=caller.key_id,
            created_at=moment,
            expires_at=moment + seconds,
        )
    )
    return secret


def caller_logged_in(db: Database, secret: str) -> Caller:
    """Say who logged in with this secret.

    Raises:
        KeyRefusedError: Nobody, or too long ago; or the key of then is no longer valid.
    """

    def look(conn: Connection) -> Key | None:
        mine = login.c.secret_sha256 == digest(secret), login.c.expires_at > db_now()
        return key_where(conn, api_key.c.id.in_(select(login.c.key_id).where(*mine)))

    return admitted(db, look)


def close_login(conn: Connection, secret: str) -> None:
    """Forget a login, if there is one."""
    conn.execute(delete(login).where(login.c.secret_sha256 == digest(secret)))

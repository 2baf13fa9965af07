"""Who sends a request and what he may do: a key in a header, a login in a cookie, an open house; answers nothing."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from fastapi import Request

from jobs.access.callers import Caller, caller_with
from jobs.access.keys import Scope, any_key
from jobs.access.logins import caller_logged_in
from jobs.database import Database
from jobs.errors import KeyRefusedError
from service.boundary import SAFE_METHODS
from service.entering.forms import form_of
from service.problems import Problem

COOKIE = "winnow_login"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
_SCOPES: dict[str, Scope] = {"/metrics": "admin", "/logout": "read"}
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="winnow"'}


@dataclass(frozen=True)
class Credential:
    """What a request brings to be let in by."""

    kind: Literal["key", "login"]
    secret: str


def credential_of(request: Request) -> Credential | None:
    """Read the key or the login that a request brings; the key when it brings both.

    Raises:
        Problem: It brings an `Authorization` that is no key.
    """
    given = request.headers.get("authorization")
    if given is not None:
        scheme, _, secret = given.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            detail = "expected Authorization: Bearer wn_..., got another scheme or no key"
            raise Problem("key_refused", detail, headers=_CHALLENGE)
        return Credential("key", secret.strip())
    cookie = request.cookies.get(COOKIE)
    return Credential("login", cookie) if cookie else None


def identify(database: Database, credential: Credential | None, *, open_to: str | None) -> Caller:
    """Say who it is.

    Args:
        database: Has the keys.
        credential: What the request brought.
        open_to: The tenant that everyone is until the first key is made; None where more than this machine can
            connect: there nobody is anybody without a key.

    Raises:
        KeyRefusedError: What came lets nobody in, and the house is not open.
        Problem: A key is needed and none came.
    """
    refused = None
    if credential is not None:
        find = caller_with if credential.kind == "key" else caller_logged_in
        try:
            return find(database, credential.secret)
        except KeyRefusedError as error:
            refused = error
    if open_to is not None and (refused is None or refused.key_id is None):
        with database.read() as conn:
            if not any_key(conn):
                return Caller(open_to, None)
    if refused is not None:
        raise refused
    raise Problem("key_missing", "expected Authorization: Bearer wn_..., got no key", headers=_CHALLENGE)


def told(error: KeyRefusedError) -> Problem:
    """Tell that a key lets nobody in."""
    return Problem("key_refused", str(error), headers=_CHALLENGE)


def refuse_too_narrow(caller: Caller, method: str, path: str) -> None:
    """Refuse a caller whose key is for less: reads need `read`, the house's own figures `admin`, the rest `submit`.

    Raises:
        Problem: It is.
    """
    needed = _SCOPES.get(path, "read" if method in SAFE_METHODS else "submit")
    if needed not in caller.scopes:
        raise Problem("scope_missing", f"expected a key of scope {needed}, got one of scope {caller.scopes[-1]}")


def csrf_token(secret: str) -> str:
    """Derive from a cookie's secret the word that our own forms carry and a page of another site cannot know."""
    return hashlib.sha256(b"csrf:" + secret.encode()).hexdigest()


async def refuse_forged(request: Request, secret: str) -> None:
    """Refuse a write by cookie that lacks the cookie's token: browsers add cookies to whatever they send.

    Raises:
        Problem: It has none, or another.
    """
    if request.method in SAFE_METHODS:
        return
    given = request.headers.get(CSRF_HEADER) or (await form_of(request)).get(CSRF_FIELD)
    if given != csrf_token(secret):
        raise Problem("csrf_refused", f"expected the page's token in {CSRF_HEADER} or a form, got none or another")

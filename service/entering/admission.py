"""The door: every route is behind it but those named open, and every use of a key is written down."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from jobs.access.callers import Caller
from jobs.database import Database
from jobs.errors import KeyRefusedError
from jobs.redaction import redacted
from jobs.settings import Settings
from service.entering import auth
from service.entering.auth import Credential
from service.operating.listening import is_loopback
from service.problems import Problem

OPEN = frozenset({"/healthz", "/readyz", "/login", "/docs", "/errors"})
"""Paths that ask for no key. `/static` and `/openapi.json` are no routes of a router; every other route is closed."""
RECHECK_SECONDS = 15.0
"""Between two looks whether whoever reads a stream may still."""

log = logging.getLogger("service.audit")


class LoginFirstError(Exception):
    """A browser asks for a page and has not shown a key."""


async def permit(request: Request) -> Caller | None:
    """Let a request in or refuse it, before any other dependency and before anything of it is believed.

    Returns:
        Who it is; None on a path that is open to everyone.

    Raises:
        Problem: It is not let in.
        LoginFirstError: Nor is a browser, which can be shown where to give its key.
    """
    path = request.scope["path"]
    if path in OPEN:
        return None
    key_id = caller = None
    try:
        credential = auth.credential_of(request)
        request.state.credential = credential
        caller = await _identified(request, credential)
        request.state.caller = caller
        key_id = caller.key_id
        auth.refuse_too_narrow(caller, request.method, path)
        if credential is not None and credential.kind == "login" and key_id is not None:
            await auth.refuse_forged(request, credential.secret)
    except KeyRefusedError as error:
        key_id, problem = error.key_id, auth.told(error)
    except Problem as error:
        problem = error
    else:
        if key_id is not None:
            _write_down(request, "allowed", key_id, caller)
        return caller
    if problem.code != "key_missing":
        _write_down(request, problem.code, key_id, caller)
    wants_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if caller is None and wants_page and "authorization" not in request.headers:
        raise LoginFirstError
    raise problem


def tenant_of(request: Request) -> str:
    """Say whose a request is; `permit` has let it in."""
    caller: Caller = request.state.caller
    return caller.tenant


def login_of(request: Request) -> str | None:
    """Give the secret of the login that let a request in; None where a key did, or nothing was needed."""
    caller: Caller | None = getattr(request.state, "caller", None)
    credential: Credential | None = getattr(request.state, "credential", None)
    known = caller is not None and caller.key_id is not None
    return credential.secret if known and credential is not None and credential.kind == "login" else None


async def while_permitted(pieces: AsyncGenerator[bytes, None], request: Request) -> AsyncIterator[bytes]:
    """Pass a stream on until it ends or its reader may no longer: a key that is revoked ends its streams too."""
    clock = asyncio.get_running_loop().time
    looked = clock()
    async with aclosing(pieces):
        async for piece in pieces:
            yield piece
            if clock() - looked >= RECHECK_SECONDS:
                looked = clock()
                try:
                    await _identified(request, request.state.credential)
                except (KeyRefusedError, Problem):
                    return
                except SQLAlchemyError:
                    continue  # the database is away: nobody's key has changed meanwhile


async def _identified(request: Request, credential: Credential | None) -> Caller:
    database: Database = request.app.state.house.database
    settings: Settings = request.app.state.house.settings
    open_to = settings.tenant if is_loopback(settings.host) else None
    return await run_in_threadpool(auth.identify, database, credential, open_to=open_to)


def _write_down(request: Request, outcome: str, key_id: str | None, caller: Caller | None) -> None:
    path = redacted(request.scope["path"][:200])
    said = {
        "outcome": outcome,
        "key": key_id,
        "tenant": None if caller is None else caller.tenant,
        "method": request.method,
        "path": path,
        "request_id": request.scope["state"].get("request_id"),
    }
    level = logging.INFO if outcome == "allowed" else logging.WARNING
    log.log(level, "%s: key %s, %s %s", outcome, key_id or "unknown", request.method, path, extra=said)

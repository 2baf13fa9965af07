"""Where a browser shows its key, once, and gets a cookie for it; and where it gives the cookie back."""

import secrets
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from jobs.access.callers import Caller
from jobs.access.logins import close_login, open_login
from jobs.errors import KeyRefusedError
from service.dependencies import House, HouseDep
from service.entering import auth
from service.entering.admission import login_of
from service.entering.auth import COOKIE, CSRF_FIELD, Credential
from service.entering.forms import form_of
from service.operating.listening import is_loopback
from service.problems import Problem

FORM_COOKIE = "winnow_form"
"""Ties the login form to the browser it was shown in, so that no other page can log it in as somebody else."""
FORM_SECONDS = 3600
MAX_NEXT = 500

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
Next = Annotated[str, Query(alias="next", max_length=MAX_NEXT)]


@router.get("/login")
async def login_page(request: Request, house: HouseDep, target: Next = "/") -> Response:
    """Ask for a key; whoever needs none, or has shown one, is sent on."""
    if await _is_in(request, house):
        return RedirectResponse(_local(target), 303)
    return _form(request, house, target=target)


@router.post("/login")
async def log_in(request: Request, house: HouseDep) -> Response:
    """Take a key and give a cookie for it."""
    form = await form_of(request)
    target = _local(form.get("next", "/")[:MAX_NEXT])
    if form.get(CSRF_FIELD) != auth.csrf_token(request.cookies.get(FORM_COOKIE, "")):
        return _form(request, house, target=target, fault="This form is too old. Please try again.", status=403)
    try:
        credential = Credential("key", form.get("key", "").strip())
        caller = await run_in_threadpool(auth.identify, house.database, credential, open_to=_open_to(house))
    except (KeyRefusedError, Problem) as error:
        return _form(request, house, target=target, fault=f"{_sentence(error)}.", status=401)
    answer = RedirectResponse(target, 303)
    if caller.key_id is not None:
        secret = await run_in_threadpool(_open, house, caller)
        seconds = round(house.settings.login_seconds)
        _set(answer, request, COOKIE, secret, seconds=seconds)
    answer.delete_cookie(FORM_COOKIE, path="/login")
    return answer


@router.post("/logout")
async def log_out(request: Request, house: HouseDep) -> Response:
    """Forget the login, here and in the browser."""
    secret = login_of(request)
    if secret is not None:
        await run_in_threadpool(_close, house, secret)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


def to_login(request: Request, error: Exception) -> Response:
    """Send a browser to where it can show its key, and back to this page afterwards."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?{urlencode({'next': target})}", 303)


async def _is_in(request: Request, house: House) -> bool:
    try:
        credential = auth.credential_of(request)
        await run_in_threadpool(auth.identify, house.database, credential, open_to=_open_to(house))
    except (KeyRefusedError, Problem):
        return False
    return True


def _form(request: Request, house: House, *, target: str, fault: str | None = None, status: int = 200) -> Response:
    secret = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
    # A link on another site brought the browser here, and it kept the cookie back: it will not when we send it on.
    elsewhere = request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site"
    context = {"next": _local(target), "fault": fault, "token": auth.csrf_token(secret), "elsewhere": elsewhere}
    answer = house.templates.TemplateResponse(request, "login.html", context, status_code=status)
    _set(answer, request, FORM_COOKIE, secret, seconds=FORM_SECONDS, path="/login")
    return answer


def _set(answer: Response, request: Request, name: str, secret: str, *, seconds: int, path: str = "/") -> None:
    # Over http (a loopback address, or a proxy that forgot to say https) a secure cookie would never come back.
    secure = request.url.scheme == "https"
    answer.set_cookie(name, secret, max_age=seconds, path=path, secure=secure, httponly=True, samesite="strict")


def _local(target: str) -> str:
    """Give a path of this service, whatever was asked for: `//host` and `/\\host` lead elsewhere."""
    plain = target.startswith("/") and not target.startswith("//") and target.isprintable() and "\\" not in target
    return target if plain else "/"


def _open_to(house: House) -> str | None:
    return house.settings.tenant if is_loopback(house.settings.host) else None


def _open(house: House, caller: Caller) -> str:
    with house.database.write() as conn:
        return open_login(conn, caller=caller, seconds=house.settings.login_seconds)


def _close(house: House, secret: str) -> None:
    with house.database.write() as conn:
        close_login(conn, secret)


def _sentence(error: KeyRefusedError | Problem) -> str:
    words = error.detail if isinstance(error, Problem) else str(error)
    return words[0].upper() + words[1:]

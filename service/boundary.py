"""What holds for every request before any route sees it: request id, host, origin, size, and headers on the way out."""

import logging
import re
import secrets
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs.redaction import redacted
from service.problems import Problem, answer

MAX_JSON_BYTES = 1 << 20
"""Of any body but a blob's; recipes are a few kilobytes."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_AUTHORITY = re.compile(r"(?P<name>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

log = logging.getLogger(__name__)


class Boundary:
    """ASGI middleware around the whole app; whatever goes wrong inside leaves as a problem.

    Args:
        app: What it stands around.
        allows_host: Says whether a host name (without port) is served.
        streams: Says whether a path takes bodies of any size (it then counts them itself).
    """

    def __init__(self, app: ASGIApp, *, allows_host: Callable[[str], bool], streams: Callable[[str], bool]) -> None:
        self.app = app
        self.allows_host = allows_host
        self.streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                outgoing = MutableHeaders(scope=message)
                outgoing["X-Request-ID"] = request_id
                for name, value in _SECURITY_HEADERS.items():
                    outgoing.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    # Whose it is depends on the key or the cookie, which a cache between us may not look at.
                    outgoing.setdefault("Cache-Control", "private, no-cache")
            await send(message)

        try:
            self._check(scope, headers)
            bounded = receive if self.streams(scope["path"]) else _bounded(receive, headers, MAX_JSON_BYTES)
            await self.app(scope, bounded, send_with_headers)
        except ClientDisconnect:
            return
        except Problem as problem:
            await answer(Request(scope), problem)(scope, receive, send_with_headers)
        except Exception:
            log.exception("request %s failed: %s %r", request_id, scope["method"], redacted(scope["path"]))
            if started:
                raise
            internal = Problem("internal_error", "this request could not be answered")
            await answer(Request(scope), internal)(scope, receive, send_with_headers)

    def _check(self, scope: Scope, headers: Headers) -> None:
        host = headers.get("host", "")
        authority = _AUTHORITY.fullmatch(host)
        if authority is None or not self.allows_host(authority["name"]):
            raise Problem("host_not_allowed", f"expected a name of this service such as 127.0.0.1, got {host[:80]!r}")
        if scope["method"] not in SAFE_METHODS:
            _refuse_other_sites(headers, host)


def _refuse_other_sites(headers: Headers, host: str) -> None:
    """Refuse a write that a browser sends for a page of another origin; programs send neither header."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise Problem("cross_site_refused", f"expected Sec-Fetch-Site same-origin or none, got {site[:40]!r}")
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        raise Problem("cross_site_refused", f"expected an Origin of {host}, got {origin[:80]!r}")


def _bounded(receive: Receive, headers: Headers, limit: int) -> Receive:
    """Refuse a body over `limit` bytes: by its declared length before any is read, else as soon as it passes it."""
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise Problem("body_too_large", f"expected at most {limit} bytes, got Content-Length {declared[:20]}")
    received = 0

    async def receive_counting() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise Problem("body_too_large", f"expected at most {limit} bytes, got more")
        return message

    return receive_counting

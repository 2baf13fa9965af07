"""RFC 9457 problems: how any refusal or failure is told to a client; knows no route and no job."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Mount

from jobs.errors import InvalidTransitionError, NotFoundError, TooLargeError
from jobs.retrying import AWAY, is_full
from service.catalogue import PROBLEMS
from ticketing.errors import Fault, RequestError, WinnowError
from ticketing.recipe.faults import fault_of

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
_MAX_DETAIL = 1000
_MAX_FAULTS = 50

log = logging.getLogger(__name__)


class Problem(HTTPException):
    """A refusal of the API: its code stands in `service.catalogue.PROBLEMS`.

    Args:
        code: A key of the catalogue; gives status and title.
        detail: What was expected and what came, of this one occurrence.
        faults: One per field that is wrong.
        headers: Sent along with the answer.
        members: Further members of the document, e.g. `state` and `allowed` of an invalid transition.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(PROBLEMS[code].status, detail, headers=dict(headers or {}))
        self.code = code
        self.faults = tuple(faults)
        self.members = dict(members or {})


class ProblemResponse(Response):
    """A problem document. ASCII on the wire, so that no text a client sent can make it unencodable."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """Write the document as JSON."""
        return json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def answer(request: Request, problem: Problem) -> ProblemResponse:
    """Turn a problem into the response for this request."""
    kind = PROBLEMS[problem.code]
    document: dict[str, Any] = {
        "type": f"/errors#{problem.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": _short(problem.detail),
        "instance": quote(request.scope["path"][:200], safe="/:"),
        "code": problem.code,
        "request_id": request.scope["state"].get("request_id"),
        **problem.members,
    }
    if problem.faults:
        document["errors"] = [_fault(fault) for fault in problem.faults[:_MAX_FAULTS]]
    headers = dict(problem.headers or {})
    if kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    return ProblemResponse(document, kind.status, headers=headers)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_DETAIL else text[: _MAX_DETAIL - 3] + "..."


def _fault(fault: Fault) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "pointer": _short(fault.pointer),
        "code": fault.code,
        "detail": _short(fault.detail),
    }
    return entry if fault.allowed is None else entry | {"allowed": list(fault.allowed)}


def from_error(error: WinnowError) -> Problem:
    """Tell what the library refused, under its own code.

    Raises:
        WinnowError: `error` itself, when it is none that a request can be blamed for.
    """
    if isinstance(error, InvalidTransitionError):
        members = {"state": error.state, "allowed": list(error.allowed)}
        return Problem("invalid_transition", str(error), members=members)
    if isinstance(error, TooLargeError):
        return Problem("body_too_large", str(error))
    faults = error.faults if isinstance(error, RequestError) else ()
    if error.code in PROBLEMS:
        return Problem(error.code, str(error), faults=faults)
    if isinstance(error, RequestError):
        return Problem("invalid_request", str(error), faults=faults)
    raise error


@contextmanager
def missing_is(code: str) -> Iterator[None]:
    """Tell what the path names and does not exist as the problem `code`."""
    try:
        yield
    except NotFoundError as error:
        raise Problem(code, str(error)) from None


@contextmanager
def in_query() -> Iterator[None]:
    """Point faults at parameters of the query instead of the body."""
    try:
        yield
    except RequestError as error:
        faults = [replace(fault, pointer=f"query:{fault.pointer.removeprefix('/')}") for fault in error.faults]
        raise Problem("invalid_request", str(error), faults=faults) from None


def from_validation(error: RequestValidationError) -> Problem:
    """Tell which fields of a request are wrong; values are echoed short or not at all."""
    items = error.errors()
    if any(item["type"] == "json_invalid" for item in items):
        return Problem("malformed_request", f"expected a JSON body: {items[0].get('ctx', {}).get('error', '')}")
    faults = [_fault_of(item) for item in items]
    return Problem("invalid_request", "; ".join(f"{f.pointer or 'body'}: {f.detail}" for f in faults), faults=faults)


def _fault_of(item: Mapping[str, Any]) -> Fault:
    place, *location = item["loc"]
    fault = fault_of({**item, "loc": location}, at="")
    return fault if place == "body" else replace(fault, pointer=f"{place}:{'/'.join(map(str, location))}")


def install(app: FastAPI) -> None:
    """Make every error the app can raise answer as a problem."""

    def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return answer(request, error)

    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, WinnowError)
        return answer(request, from_error(error))

    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(request, from_validation(error))

    def database(request: Request, error: Exception) -> Response:
        log.error("database: %s", error, extra={"request_id": request.scope["state"].get("request_id")})
        detail = "the database has no room left" if is_full(error) else "the database did not answer in time"
        return answer(request, Problem("database_unavailable", detail))

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answer(request, _from_http(request, error))

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(WinnowError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    for away in AWAY:
        app.add_exception_handler(away, database)
    app.add_exception_handler(HTTPException, http)


def _from_http(request: Request, error: HTTPException) -> Problem:
    """Tell what the framework itself refused: an unknown path, a wrong method, a body it could not read."""
    if error.status_code == HTTPStatus.NOT_FOUND:
        return Problem("not_found", "expected a path of /openapi.json")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(methods_at(request))
        detail = f"expected one of {allowed}, got {request.method[:20]}"
        return Problem("method_not_allowed", detail, headers={"Allow": allowed})
    return Problem("malformed_request", "expected a body that can be read to its end as JSON")


def methods_at(request: Request) -> list[str]:
    """List every method the path of a request takes, over all routes."""
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]
    takes = [
        method
        for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
        if any(route.matches(dict(request.scope, method=method))[0] is Match.FULL for route in routes)
    ]
    return takes or ["GET", "HEAD"]  # a mounted folder of files

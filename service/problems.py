"""RFC 9457 problems: how any refusal or failure is told to a client; knows no route and no job."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from jobs.errors import InvalidTransitionError, NotFoundError, TooLargeError
from service.catalogue import PROBLEMS
from ticketing.errors import Fault, RequestError, WinnowError
from ticketing.recipe.faults import fault_of

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
_MAX_DETAIL = 1000
_MAX_FAULTS = 50


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

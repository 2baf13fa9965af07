"""Every error an app can raise, answered as a problem; knows no route and no job."""

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Mount

from jobs.retrying import AWAY, is_full
from service.problems import Problem, answer, from_error, from_validation
from ticketing.errors import WinnowError

log = logging.getLogger(__name__)


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

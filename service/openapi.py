"""What `/openapi.json` says beyond the routes' own signatures: every status a route can answer, and as what."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field

from service.catalogue import PROBLEMS
from service.entering.admission import OPEN
from service.entering.auth import COOKIE
from service.problems import MEDIA_TYPE

METHODS = ("get", "head", "post", "put", "patch", "delete")
Responses = dict[int | str, dict[str, Any]]
NOT_MODIFIED: Responses = {304: {"description": "As the client has it already."}}
FILE: Responses = {
    200: {"description": "The bytes.", "content": {"application/octet-stream": {}}},
    206: {"description": "The part that `Range` asks for.", "content": {"application/octet-stream": {}}},
    307: {"description": "`Location` is where the bytes are; the address holds for some minutes."},
    **NOT_MODIFIED,
}
"""What a file of a job is answered with."""
NO_FILE = ("job_not_found", "artifact_not_found", "precondition_failed", "range_not_satisfiable", "store_unavailable")
"""Why it may not be."""
_UNTOUCHED = "/healthz"


class FaultDocument(BaseModel):
    """One thing wrong with a request."""

    pointer: str = Field(description="JSON pointer into the body, or `query:name`, `path:name`, `header:name`.")
    code: str
    detail: str = Field(description="What was expected and what came.")
    allowed: list[str] | None = Field(None, description="The closed list of words, where there is one.")


class ProblemDocument(BaseModel):
    """RFC 9457: any refusal or failure."""

    type: str = Field(description="Where the kind of problem is explained.")
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(description="The word to branch on.")
    request_id: str
    errors: list[FaultDocument] | None = None


def problems(*codes: str, beside: Responses | None = None) -> Responses:
    """Document problems a route can answer with, for its `responses`; those of every route come by themselves.

    Args:
        codes: Keys of the catalogue.
        beside: What else it can answer with.
    """
    responses = dict(beside or {})
    for code in codes:
        kind = PROBLEMS[code]
        response = responses.setdefault(kind.status, {"description": ""})
        response["description"] = " / ".join(filter(None, (response["description"], f"{kind.title} (`{code}`)")))
    return responses


def install(app: FastAPI) -> None:
    """Make `/openapi.json` complete; it is built once, when first asked for."""

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(app)
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]  # the documented way to replace it


def operations(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Walk a document: (method, path, operation)."""
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def _complete(app: FastAPI) -> dict[str, Any]:
    spec = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = spec.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    written = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(written.pop("$defs"))
    schemas["ProblemDocument"] = written
    spec["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "`wn_...`, from `winnow-server keys create`."},
        "login": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Of a browser."},
    }
    for method, path, operation in operations(spec):
        responses = operation["responses"]
        # FastAPI's own 422 says another shape than ours.
        if "422" in responses and "HTTPValidationError" in str(responses["422"]):
            del responses["422"]
        for status, response in problems(*_of_every(method, path, operation)).items():
            own = responses.setdefault(str(status), {"description": ""})
            own["description"] = " / ".join(filter(None, (own["description"], response["description"])))
        for status, response in responses.items():
            if status >= "400":
                schema = {"$ref": "#/components/schemas/ProblemDocument"}
                response["content"] = {MEDIA_TYPE: {"schema": schema}}
        if path not in OPEN:
            operation["security"] = [{"key": []}, {"login": []}]
        operation["responses"] = dict(sorted(responses.items()))
        _show_examples(operation, schemas)
    return spec


def _of_every(method: str, path: str, operation: Mapping[str, Any]) -> Iterable[str]:
    """List the problems that come from the boundary and from reading parameters and bodies."""
    yield "host_not_allowed"
    yield "internal_error"
    if path != _UNTOUCHED:
        yield "database_unavailable"
    if path not in OPEN:
        yield from ("key_missing", "key_refused", "scope_missing")
    if method not in ("get", "head"):
        yield from ("cross_site_refused", "csrf_refused")
        yield "body_too_large"
    if "requestBody" in operation:
        yield from ("malformed_request", "unsupported_media_type")
    if "requestBody" in operation or operation.get("parameters"):
        yield "invalid_request"


def _show_examples(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
    """Lift the examples of a body's schema to where every reader of the document looks for them."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content.get("schema", {})
        # A body that may be absent is told by `required`; null is none.
        content["schema"] = next((one for one in schema.get("anyOf", ()) if "$ref" in one), schema)
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        examples = schemas.get(name, {}).get("examples", [])
        if examples:
            content["examples"] = {f"example {n}": {"value": value} for n, value in enumerate(examples, start=1)}

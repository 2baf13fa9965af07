"""service.openapi: the document says what the routes do; each test of a route checks that it answers nothing else."""

import re
from typing import Any

from fastapi.routing import iter_route_contexts

from jobs.grids.submission import GridSubmission
from jobs.making.follow_ups import CancelSubmission, ExportSubmission, ForkSubmission, RerunSubmission
from jobs.making.submissions import DatasetSubmission, JobSubmission, ModelSubmission, parse
from service.app import create_app
from service.openapi import operations

BODIES = {
    "create_model": ModelSubmission,
    "create_dataset": DatasetSubmission,
    "submit_job": JobSubmission,
    "validate_job": JobSubmission,
    "submit_grid": GridSubmission,
    "cancel_job": CancelSubmission,
    "rerun_job": RerunSubmission,
    "fork_job": ForkSubmission,
    "export_job": ExportSubmission,
}


def test_every_operation_has_a_name_a_summary_and_prose(service: Any) -> None:
    names = []
    for _, path, operation in operations(service.spec):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"]), path
        assert "v1" not in operation["operationId"]
        assert operation["summary"]
        assert operation["description"].endswith(".")
        assert operation["tags"]
        names.append(operation["operationId"])
    assert len(names) == len(set(names))


def test_every_route_but_the_pages_is_in_the_document(service: Any, tmp_path: Any) -> None:
    app = create_app(service.settings)
    routes = {(m.lower(), c.path_format) for c in iter_route_contexts(app.routes) for m in c.methods or ()}
    documented = {(method, path) for method, path, _ in operations(service.spec)}
    pages = {("get", path) for path in ("/", "/jobs/{job_id}", "/docs", "/errors", "/login", "/openapi.json")}
    pages |= {("post", "/login"), ("post", "/logout")}
    assert {route for route in routes if route[1] and route[0] != "head"} - pages == {
        operation for operation in documented if operation[0] != "head"
    }


def test_every_error_is_documented_as_a_problem(service: Any) -> None:
    for _, _, operation in operations(service.spec):
        assert {"403", "500"} <= set(operation["responses"])
        for status, response in operation["responses"].items():
            assert response["description"], (operation["operationId"], status)
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"]


def test_every_json_body_has_an_example_that_is_taken(service: Any) -> None:
    for _, path, operation in operations(service.spec):
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            continue
        examples = content["application/json"]["examples"]
        for example in examples.values():
            parse(BODIES[operation["operationId"]], example["value"])
            # What is asked of a job depends on the job: the tests of those routes have the right ones.
            if "{" not in path:
                answer = service.post(path, example["value"])
                assert answer.status_code in (200, 201, 202), answer.text


def test_the_document_is_served(service: Any) -> None:
    answer = service.http.get("/openapi.json")
    assert (answer.status_code, answer.json()) == (200, service.spec)
    assert "HTTPValidationError" not in answer.text

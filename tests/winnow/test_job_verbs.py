"""winnow.job_verbs: each verb is one request, and what is asked of a real service is done there."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from winnow import Client
from winnow.errors import ConflictError, InvalidRequestError, NotFoundError
from winnow.job_verbs import path_of

pytestmark = pytest.mark.processes

JOB = "job_01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.mark.parametrize(
    ("call", "method", "path", "body"),
    [
        (lambda c: c.cancel(JOB), "POST", f"/v1/jobs/{JOB}:cancel", {"keep": "levels"}),
        (lambda c: c.cancel(JOB, keep="none"), "POST", f"/v1/jobs/{JOB}:cancel", {"keep": "none"}),
        (lambda c: c.pause(JOB), "POST", f"/v1/jobs/{JOB}:pause", None),
        (lambda c: c.resume(JOB), "POST", f"/v1/jobs/{JOB}:resume", None),
        (lambda c: c.rerun(JOB), "POST", f"/v1/jobs/{JOB}:rerun", {"start": "checkpoint"}),
        (lambda c: c.export(JOB, target="onnx"), "POST", f"/v1/jobs/{JOB}/exports", {"target": "onnx"}),
        (lambda c: c.rerun(JOB, start="scratch"), "POST", f"/v1/jobs/{JOB}:rerun", {"start": "scratch"}),
        (
            lambda c: c.fork(JOB, from_level=3, recipe={"rewind": None}, name="on"),
            "POST",
            f"/v1/jobs/{JOB}:fork",
            {"from_level": 3, "recipe": {"rewind": None}, "name": "on"},
        ),
        (lambda c: c.sweep({"grid": {"/seed": [0]}}), "POST", "/v1/jobs:sweep", {"grid": {"/seed": [0]}}),
    ],
)
def test_a_verb_is_one_request(
    script: Any, call: Callable[[Client], Any], method: str, path: str, body: dict[str, Any] | None
) -> None:
    script.say_json({"id": JOB})
    with Client(script.url) as client:
        assert call(client) == {"id": JOB}
    (asked,) = script.asked
    assert (asked.method, asked.path, json.loads(asked.body) if asked.body else None) == (method, path, body)
    assert asked.headers["Idempotency-Key"]


@pytest.mark.parametrize(
    "call", [lambda c: c.rerun(JOB, idempotency_key="k"), lambda c: c.fork(JOB, from_level=1, idempotency_key="k")]
)
def test_what_makes_a_job_may_be_sent_under_a_key_of_ones_own(script: Any, call: Callable[[Client], Any]) -> None:
    script.say_json({"id": JOB})
    with Client(script.url) as client:
        call(client)
    assert script.asked[0].headers["Idempotency-Key"] == "k"


def test_the_path_of_a_job_leads_nowhere_else() -> None:
    assert path_of("../models?x#y") == "/v1/jobs/..%2Fmodels%3Fx%23y"


def test_a_waiting_job_is_paused_and_resumed(client: Client, submission: Any) -> None:
    job = client.submit(submission)["id"]
    paused = client.pause(job)
    assert (paused["state"], paused["pause_expires_at"] is not None) == ("paused", True)
    assert client.pause(job)["state"] == "paused"
    assert client.resume(job)["state"] == "queued"
    with pytest.raises(ConflictError) as caught:
        client.resume(job)
    assert caught.value.word == "invalid_transition"


def test_a_job_that_is_done_is_run_again_as_another_one(client: Client, submission: Any) -> None:
    job = client.submit(submission)["id"]
    with pytest.raises(ConflictError):
        client.rerun(job)
    client.cancel(job, keep="none")
    again = client.rerun(job, start="scratch")
    assert (again["state"], again["id"] != job) == ("queued", True)
    assert (again["origin"]["kind"], again["origin"]["job"]) == ("rerun", job)


def test_a_level_that_was_never_reached_is_no_level_to_fork_from(client: Client, submission: Any) -> None:
    job = client.submit(submission)["id"]
    with pytest.raises((ConflictError, InvalidRequestError)) as caught:
        client.fork(job, from_level=2)
    assert caught.value.word in ("level_not_kept", "invalid_transition")


def test_a_job_is_deleted_once_it_is_done(client: Client, submission: Any) -> None:
    job = client.submit(submission)["id"]
    with pytest.raises(ConflictError):
        client.delete(job)
    client.cancel(job)
    client.delete(job)
    with pytest.raises(NotFoundError):
        client.show(job)


def test_a_grid_is_one_job_with_a_child_for_every_point(client: Client, submission: Any) -> None:
    axes = {"/seed": [0, 1, 2], "/target/sparsity": [0.8, 0.9]}
    grid = client.sweep(submission | {"recipe": {"search": "iterative"}, "grid": axes})
    assert (grid["kind"], grid["children"]["total"]) == ("grid", 6)
    points = [child["point"] for child in client.children(grid["id"], page_size=4)]
    assert points == [{"/seed": seed, "/target/sparsity": s} for seed in (0, 1, 2) for s in (0.8, 0.9)]
    client.cancel(grid["id"])
    assert {child["state"] for child in client.children(grid["id"])} == {"cancelled"}


def test_a_point_that_cannot_be_is_named(client: Client, submission: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        client.sweep(submission | {"grid": {"/target/sparsity": [0.8, 1.5]}})
    assert caught.value.faults[0].pointer.startswith("/grid/")

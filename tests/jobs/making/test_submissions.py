"""jobs.making.submissions: what is not understood is refused with its place, and what was expected there."""

from typing import Any

import pytest

from jobs.making.submissions import DatasetSubmission, JobSubmission, ModelSubmission, parse
from ticketing.errors import Fault, RequestError

JOB: dict[str, Any] = {
    "model": {"architecture": "lenet-300-100", "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative"},
}
ULID = "01J9ZD6T2N8Q4R5S6T7V8W9X0Y"


def faults(body: Any, raw: Any) -> tuple[Fault, ...]:
    with pytest.raises(RequestError) as refused:
        parse(body, raw)
    return refused.value.faults


def test_the_smallest_job_is_filled_with_defaults() -> None:
    job = parse(JobSubmission, JOB)
    assert (job.name, job.labels, job.priority, job.device) == (None, {}, 0, "any")
    assert job.gates.model_dump(exclude_none=True) == {}


def test_inputs_may_be_named_by_id() -> None:
    job = parse(JobSubmission, JOB | {"model": f"mdl_{ULID}", "dataset": f"ds_{ULID}"})
    assert (job.model, job.dataset) == (f"mdl_{ULID}", f"ds_{ULID}")


def test_the_recipe_travels_unread() -> None:
    assert parse(JobSubmission, JOB | {"recipe": {"search": "x", "y": 1}}).recipe == {"search": "x", "y": 1}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"nmae": "x"}, "/nmae"),
        ({"limits": {"max_running_seconds": 0}}, "/limits/max_running_seconds"),
        ({"limits": {"max_seconds": 1}}, "/limits/max_seconds"),
        ({"not_before": "2026-01-31T12:00:00"}, "/not_before"),
        ({"not_before": "9999-12-31T23:59:59-12:00"}, "/not_before"),
        ({"webhook": None}, "/webhook"),
        ({"gates": {"max_watts": 1}}, "/gates/max_watts"),
        ({"gates": {"max_latency_ms": 0}}, "/gates/max_latency_ms"),
        ({"gates": {"min_sparsity": 1.0}}, "/gates/min_sparsity"),
        ({"gates": {"max_bytes": 0}}, "/gates/max_bytes"),
        ({"gates": {"max_accuracy_drop": float("nan")}}, "/gates/max_accuracy_drop"),
        ({"device": "tpu"}, "/device"),
        ({"priority": 101}, "/priority"),
        ({"name": ""}, "/name"),
        ({"labels": {"a": 1}}, "/labels/a"),
        ({"model": "mdl_x"}, "/model"),
        ({"model": 3}, "/model"),
        ({"model": {"architecture": "mlp", "name": "x"}}, "/model/name"),
        ({"model": {"seed": 1}}, "/model/architecture"),
        ({"model": {"architecture": "mlp", "seed": -1}}, "/model/seed"),
        ({"dataset": {"uri": "builtin:mnist"}}, "/dataset/uri"),
        ({"dataset": {}}, "/dataset"),
        ({"recipe": None}, "/recipe"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], pointer: str) -> None:
    assert [fault.pointer for fault in faults(JobSubmission, JOB | change)] == [pointer]


@pytest.mark.parametrize("key", ["", "-a", "a b", 'a"b', "a" * 64, "é"])
def test_a_label_key_is_a_short_plain_word(key: str) -> None:
    (fault,) = faults(JobSubmission, JOB | {"labels": {key: "x"}})
    assert fault.pointer.startswith("/labels")


def test_what_may_stand_there_is_listed() -> None:
    (fault,) = faults(JobSubmission, JOB | {"device": "tpu"})
    assert fault.allowed == ("any", "cpu", "gpu")
    (fault,) = faults(DatasetSubmission, {"uri": "builtin:mnist"})
    assert fault.allowed == ("builtin:digits",)


def test_every_wrong_field_is_told_at_once() -> None:
    told = faults(JobSubmission, {"model": 3, "device": "tpu"})
    assert {fault.pointer for fault in told} == {"/model", "/device", "/dataset", "/recipe"}


@pytest.mark.parametrize(
    "raw",
    [
        {"architecture": "mlp", "sha256": "0" * 64, "seed": 1},
        {"architecture": "mlp", "weights": "trained"},
        {"sha256": "0" * 64},
        {"architecture": "mlp", "sha256": "0" * 63},
        {"architecture": "mlp", "upload_id": "x"},
    ],
)
def test_a_model_without_one_clear_source_is_refused(raw: dict[str, Any]) -> None:
    assert faults(ModelSubmission, raw)


@pytest.mark.parametrize("raw", [{}, {"uri": "builtin:digits", "sha256": "0" * 64}, {"uri": "file:/etc/passwd"}])
def test_a_dataset_without_one_clear_source_is_refused(raw: dict[str, Any]) -> None:
    assert faults(DatasetSubmission, raw)


@pytest.mark.parametrize("body", [JobSubmission, ModelSubmission, DatasetSubmission])
def test_the_example_of_every_body_is_accepted(body: Any) -> None:
    for example in body.model_json_schema()["examples"]:
        parse(body, example)

"""What cannot be done is told before anything is queued: which field, what was expected, what came."""

from typing import Any

import pytest

from ticketing.architectures import ARCHITECTURES

SHA = "0" * 64
JOB = {
    "model": {"architecture": "lenet-300-100", "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative", "levels": 2},
}


def _with(path: str, value: Any) -> dict[str, Any]:
    """Give the job with the field at a JSON pointer set."""
    first, *rest = path.strip("/").split("/")
    body: dict[str, Any] = {**JOB, first: value} if not rest else {**JOB, first: {**JOB.get(first, {})}}  # type: ignore[dict-item]
    at = body[first]
    for name in rest[:-1]:
        at[name] = {**at.get(name, {})} if isinstance(at, dict) else {}
        at = at[name]
    if rest:
        at[rest[-1]] = value
    return body


REFUSED = [
    ("/model/architecture", "lenet-301", "expected one of mlp, lenet-300-100"),
    ("/model/architecture", 7, "valid string"),
    ("/model/arguments/classes", 1, "greater than or equal to 2"),
    ("/model/arguments/width", 3, "no such field: 'width'"),
    ("/model/arguments/in_features", 10**9, "less than or equal to 1000000"),
    ("/model", {"architecture": "lenet-5", "seed": 0}, "greater than or equal to 16, got 8"),
    ("/model", {"architecture": "resnet-18", "arguments": {"stem": "mnist"}}, "'cifar' or 'imagenet', got 'mnist'"),
    ("/model/seed", -1, "greater than or equal to 0"),
    ("/model/sha256", "nonsense", "match pattern"),
    ("/model", "mdl_nonsense", "match pattern"),
    ("/model", "mdl_01J9ZD6T2N8Q4R5S6T7V8W9X0Y", "there is none"),
    ("/model", 5, ""),
    ("/model", None, ""),
    ("/dataset", "ds_01J9ZD6T2N8Q4R5S6T7V8W9X0Y", "there is none"),
    ("/dataset", {}, "expected either sha256 or uri, got neither"),
    ("/dataset/uri", "file:///etc/passwd", "builtin:digits"),
    ("/dataset/uri", "http://169.254.169.254/", "builtin:digits"),
    ("/recipe/search", "divination", "expected one of iterative, early_bird, capacity_sweep, got 'divination'"),
    ("/recipe/target", {"sparsity": 1.0}, "/recipe/target/sparsity"),
    ("/recipe/levels", 0, "greater than or equal to 1"),
    ("/recipe/levels", 61, "less than or equal to 60"),
    ("/recipe/levels", "many", "valid integer"),
    ("/recipe/colour", "green", "no such field: 'colour'"),
    ("/recipe/rate", {"default": 1.0}, "/recipe/rate/default"),
    ("/recipe/scope", "everywhere", "layerwise"),
    ("/recipe/rewind", "soon", "expected a step"),
    ("/recipe", {"search": "iterative", "rewind": "50001it"}, "expected rewind before training.length"),
    ("/recipe/training", {"length": "0it"}, "at least one"),
    ("/recipe/training", {"precision": "fp16"}, "fp32"),
    ("/recipe/training", {"optimizer": {"name": "lion"}}, "/recipe/training/optimizer"),
    ("/recipe/evidence", "proof", "expected an object or one of"),
    ("/recipe/evidence", {"controls": ["reinit", "reinit"]}, "expected each control once"),
    ("/recipe/seed", 2**63, "less than"),
    ("/recipe", [], "valid dictionary"),
    ("/gates/min_sparsity", 1.0, "less than 1"),
    ("/gates/max_speed", 1, "no such field"),
    ("/labels", {"a b": "c"}, "match pattern"),
    ("/labels", {f"k{n}": "v" for n in range(65)}, "at most 64"),
    ("/name", "", "at least 1 character"),
    ("/name", "x" * 201, "at most 200 characters"),
    ("/priority", 101, "less than or equal to 100"),
    ("/device", "tpu", "any"),
    ("/webhook", "http://example.com", "no such field: 'webhook'"),
]


@pytest.fixture(autouse=True, scope="module")
def _known_dataset(service: Any) -> None:
    """All that can be known is known: the dataset was inspected before."""
    service.post("/v1/datasets", {"uri": "builtin:digits"})
    service.inspect()


@pytest.mark.parametrize(("pointer", "value", "expected"), REFUSED, ids=[f"{p}={str(v)[:24]}" for p, v, _ in REFUSED])
def test_a_bad_field_is_named_with_what_was_expected(service: Any, pointer: str, value: Any, expected: str) -> None:
    before = service.http.get("/v1/jobs").json()["items"]
    body = _with(pointer, value)
    for path in ("/v1/jobs", "/v1/jobs:validate"):
        answer = service.post(path, body)
        assert answer.status_code == 422, answer.text
        faults = answer.json()["errors"]
        assert all(fault["pointer"].startswith(pointer) for fault in faults), faults
        assert expected in str(faults)
    assert service.http.get("/v1/jobs").json()["items"] == before


def test_the_words_allowed_are_listed(service: Any) -> None:
    answer = service.post("/v1/models", {"architecture": "lenet-301"})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_model")
    assert answer.json()["errors"][0]["allowed"] == list(ARCHITECTURES)


def test_several_bad_fields_are_told_at_once(service: Any) -> None:
    body = JOB | {"priority": 1000, "device": "tpu", "recipe": 7}
    faults = service.post("/v1/jobs", body).json()["errors"]
    assert {fault["pointer"] for fault in faults} == {"/priority", "/device", "/recipe"}


@pytest.mark.parametrize("missing", ["model", "dataset", "recipe"])
def test_a_field_that_is_missing_is_named(service: Any, missing: str) -> None:
    body = {name: value for name, value in JOB.items() if name != missing}
    answer = service.post("/v1/jobs", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{missing}")


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_a_number_that_is_none_is_refused(service: Any, number: bytes) -> None:
    body = b'{"model":{"architecture":"mlp"},"dataset":{"uri":"builtin:digits"},"recipe":{"search":"iterative",'
    body += b'"rate":{"default":' + number + b"}}}"
    answer = service.http.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/recipe/rate")


@pytest.mark.parametrize("kind", ["models", "datasets"])
def test_bytes_that_were_never_sent_cannot_be_named(service: Any, kind: str) -> None:
    answer = service.post(f"/v1/{kind}", {"sha256": SHA} | ({"architecture": "mlp"} if kind == "models" else {}))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/sha256")
    assert answer.json()["errors"][0]["code"] == "no_such_blob"


def test_a_network_that_cannot_read_the_data_is_refused(service: Any) -> None:
    body = JOB | {"model": {"architecture": "lenet-300-100", "arguments": {"in_channels": 1, "input_size": [28, 28]}}}
    answer = service.post("/v1/jobs", body)
    assert answer.status_code == 422
    assert "expected examples of shape [1, 28, 28], got [1, 8, 8]" in answer.json()["errors"][0]["detail"]


def test_an_absurd_network_is_refused_at_once(service: Any) -> None:
    arguments = {"in_features": 1_000_000, "hidden": [65_536, 65_536], "classes": 100_000}
    answer = service.post("/v1/models", {"architecture": "mlp", "arguments": arguments})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "too_many_parameters")


def test_an_uploaded_start_cannot_be_drawn_again_nor_a_trained_one_rewound(service: Any) -> None:
    evidence = {"replicates_of": "search", "replicates": 3}
    model = {"architecture": "mlp", "arguments": {"in_features": 64, "classes": 10}, "sha256": service.blob(b"x")}
    answer = service.post("/v1/jobs", JOB | {"model": model, "recipe": JOB["recipe"] | {"evidence": evidence}})  # type: ignore[operator]
    assert answer.status_code == 422  # by its header already: it is no safetensors file
    assert answer.json()["errors"][0]["pointer"] == "/model/sha256"

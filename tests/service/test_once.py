"""service.once: one Idempotency-Key, one thing made, one answer."""

from typing import Any

import pytest

BODY = {
    "model": {"architecture": "lenet-300-100"},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative", "levels": 2},
}


def test_the_same_request_again_gets_the_first_answer(service: Any) -> None:
    first = service.post("/v1/jobs", BODY, Idempotency_Key="again")
    second = service.post("/v1/jobs", BODY, Idempotency_Key="again")
    assert (first.status_code, second.status_code) == (202, 202)
    assert second.json() == first.json()
    assert second.headers["location"] == first.headers["location"]
    assert ("idempotency-replayed" in first.headers, second.headers["idempotency-replayed"]) == (False, "true")


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/jobs", BODY | {"name": "b"}), ("/v1/models", {"architecture": "mlp"})]
)
def test_a_key_stands_for_one_request(service: Any, path: str, body: Any) -> None:
    service.post("/v1/jobs", BODY, Idempotency_Key="one")
    answer = service.post(path, body, Idempotency_Key="one")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refused_request_gives_its_key_back(service: Any) -> None:
    bad = BODY | {"recipe": {"search": "iterative", "levels": 0}}
    assert service.post("/v1/jobs", bad, Idempotency_Key="mended").status_code == 422
    assert service.post("/v1/jobs", BODY, Idempotency_Key="mended").status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_of_no_use_is_refused(service: Any, key: str) -> None:
    answer = service.post("/v1/jobs", BODY, Idempotency_Key=key)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "header:Idempotency-Key")

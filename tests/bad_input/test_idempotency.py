"""B11: fifty requests at once with one Idempotency-Key make one job."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

BODY = {
    "labels": {"burst": "1"},
    "model": {"architecture": "lenet-300-100"},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative", "levels": 2},
}


def test_fifty_at_once_make_one_job(service: Any) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: service.post("/v1/jobs", BODY, Idempotency_Key="burst"), range(50)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert {a.json()["code"] for a in answers if a.status_code == 409} <= {"idempotency_key_in_flight"}
    made = {answer.json()["id"] for answer in answers if answer.status_code == 202}
    listed = service.http.get("/v1/jobs", params={"label.burst": "1"}).json()["items"]
    assert [item["id"] for item in listed] == list(made)

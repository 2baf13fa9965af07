"""winnow.client: its verbs against the real service, which here has no slots, so that jobs stay queued."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from winnow import Client
from winnow.errors import ConflictError, InvalidRequestError, NotFoundError, WaitTimeoutError
from winnow.transfer import sha256_of

pytestmark = pytest.mark.processes

NO_JOB = "job_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def test_what_is_uploaded_is_known_by_its_digest(client: Client, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    assert client.upload(tmp_path / "file") == sha256_of(tmp_path / "file")
    assert client.upload(tmp_path / "file") == sha256_of(tmp_path / "file")


def test_an_architecture_with_a_seed_is_ready_at_once(client: Client) -> None:
    model = client.model(architecture="lenet-300-100", seed=0)
    assert model["state"] == "ready"
    assert model["id"].startswith("mdl_")


def test_a_dataset_waits_to_be_looked_at(client: Client, tmp_path: Path) -> None:
    images, labels = np.zeros((20, 8, 8), np.uint8), np.arange(20) % 10
    np.savez(tmp_path / "d.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    assert client.dataset(tmp_path / "d.npz")["state"] == "inspecting"


@pytest.mark.parametrize("given", [{}, {"file": "d.npz", "uri": "builtin:digits"}])
def test_a_dataset_has_one_source(client: Client, given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either a file or a uri"):
        client.dataset(**given)  # type: ignore[arg-type]


def test_a_submission_becomes_a_job(client: Client, submission: Any) -> None:
    job = client.submit(submission | {"name": "mine", "labels": {"git_sha": "9f3c2ab"}})
    assert (job["state"], job["done"], job["name"]) == ("queued", False, "mine")
    assert client.show(job["id"])["labels"] == {"git_sha": "9f3c2ab"}


def test_one_idempotency_key_is_one_job(client: Client, submission: Any) -> None:
    jobs = [client.submit(submission, idempotency_key="once")["id"] for _ in range(3)]
    assert len(set(jobs)) == 1


def test_two_submissions_are_two_jobs(client: Client, submission: Any) -> None:
    assert client.submit(submission)["id"] != client.submit(submission)["id"]


def test_jobs_are_listed_over_pages_newest_first(client: Client, submission: Any) -> None:
    made = [client.submit(submission | {"labels": {"of": "pages"}})["id"] for _ in range(5)]
    listed = [job["id"] for job in client.list(page_size=2, **{"label.of": "pages"})]
    assert listed == made[::-1]


def test_validation_queues_nothing(client: Client, submission: Any) -> None:
    before = len(list(client.list()))
    answer = client.validate(submission)
    assert answer["plan"] is None or answer["plan"]["levels"] == 3
    assert len(list(client.list())) == before


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"recipe": {"search": "alchemy"}}, "/recipe/search"),
        ({"recipe": {"search": "iterative", "target": {"sparsity": 1.0}}}, "/recipe/target/sparsity"),
        ({"recipe": {"search": "iterative", "sparsity": 0.9}}, "/recipe/sparsity"),
        ({"model": {"architecture": "alexnet"}}, "/model/architecture"),
    ],
)
def test_a_wrong_field_is_named(client: Client, submission: Any, change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        client.submit(submission | change)
    assert [fault.pointer for fault in caught.value.faults] == [pointer]
    assert caught.value.request_id


def test_a_queued_job_is_cancelled_and_waiting_for_it_ends(client: Client, submission: Any) -> None:
    job = client.submit(submission)
    assert client.cancel(job["id"])["state"] == "cancelled"
    assert client.wait(job["id"])["state"] == "cancelled"
    assert client.cancel(job["id"])["state"] == "cancelled"


def test_the_events_of_a_cancelled_job_end_with_that(client: Client, submission: Any) -> None:
    job = client.submit(submission)
    client.cancel(job["id"])
    words = [event["type"] for event in client.events(job["id"]) if event["type"] != "progress"]
    assert (words[0], words[-1]) == ("job.queued", "job.cancelled")


def test_events_can_be_read_from_the_middle(client: Client, submission: Any) -> None:
    job = client.submit(submission)
    client.cancel(job["id"])
    assert next(event["seq"] for event in client.events(job["id"], after=1) if "seq" in event) == 2
    assert list(client.events(job["id"], after=1000)) == []


def test_waiting_ends_when_the_time_is_over(client: Client, submission: Any) -> None:
    job = client.submit(submission)
    with pytest.raises(WaitTimeoutError) as caught:
        client.wait(job["id"], timeout_seconds=0.1)
    assert caught.value.job["id"] == job["id"]


def test_a_job_without_a_ticket_has_no_report(client: Client, submission: Any) -> None:
    job = client.submit(submission)
    with pytest.raises((ConflictError, NotFoundError)):
        client.report(job["id"])
    assert client.levels(job["id"]) == []
    assert client.artifacts(job["id"]) == []


def test_a_file_the_job_has_not_is_refused_before_anything_is_written(
    client: Client, submission: Any, tmp_path: Path
) -> None:
    job = client.submit(submission)
    with pytest.raises(KeyError, match="nonsense"):
        client.download(job["id"], tmp_path / "out", names=["nonsense"])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("job_id", [NO_JOB, "../models", "x/y", "%2e%2e"])
def test_a_job_that_is_not_there_is_told(client: Client, job_id: str) -> None:
    with pytest.raises((NotFoundError, InvalidRequestError)):
        client.show(job_id)

"""A job made from a level of another one, over HTTP and through a worker."""

from typing import Any

import pytest

from winnow import Client
from winnow.errors import InvalidRequestError

# With this database what a fork takes over comes back from S3.
pytestmark = [pytest.mark.processes, pytest.mark.backends("postgresql")]


def digests(client: Client, job_id: str) -> dict[str, str]:
    listed = client.artifacts(job_id)
    return {item["name"]: item["sha256"] for item in listed if item["name"].endswith(".safetensors")}


def seen_through(client: Client, job: dict[str, Any]) -> dict[str, Any]:
    job = client.wait(job["id"], timeout_seconds=240)
    assert job["state"] == "succeeded", job["error"]
    return job


def test_a_fork_that_changes_nothing_makes_the_same_files(client: Client, finished: dict[str, Any]) -> None:
    fork = seen_through(client, client.fork(finished["id"], from_level=2))
    assert digests(client, fork["id"]) == digests(client, finished["id"])
    assert (fork["origin"]["kind"], fork["origin"]["job"], fork["origin"]["level"]) == ("fork", finished["id"], 2)
    assert client.report(fork["id"])["provenance"]["start"]["job"] == finished["id"]


def test_the_levels_taken_over_are_among_the_jobs_own(client: Client, finished: dict[str, Any]) -> None:
    fork = seen_through(client, client.fork(finished["id"], from_level=2, recipe={"target": {"sparsity": 0.8}}))
    before, after = (
        {(row["replicate"], row["level"]): row for row in client.levels(job["id"])} for job in (finished, fork)
    )
    for place in ((0, 0), (0, 1), (2, 1)):
        assert after[place]["kept"] == before[place]["kept"]
    assert fork["best"] is not None
    assert client.report(fork["id"])["levels"][-1]["sparsity"] == pytest.approx(0.8, abs=1e-3)


def test_a_fork_of_a_fork_is_still_the_first_job(client: Client, finished: dict[str, Any]) -> None:
    first = seen_through(client, client.fork(finished["id"], from_level=1))
    second = seen_through(client, client.fork(first["id"], from_level=3))
    assert digests(client, second["id"]) == digests(client, finished["id"])


def test_what_cannot_be_taken_over_is_named_before_anything_is_queued(client: Client, finished: dict[str, Any]) -> None:
    before = len(list(client.list()))
    with pytest.raises(InvalidRequestError) as caught:
        client.fork(finished["id"], from_level=2, recipe={"seed": 5})
    assert [fault.pointer for fault in caught.value.faults] == ["/recipe/seed"]
    assert len(list(client.list())) == before


def test_a_job_run_again_from_its_checkpoint_makes_the_same_files(client: Client, finished: dict[str, Any]) -> None:
    again = seen_through(client, client.rerun(finished["id"]))
    assert digests(client, again["id"]) == digests(client, finished["id"])

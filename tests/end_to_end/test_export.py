"""Another file of a finished ticket, asked for over HTTP and written by a worker that trains nothing."""

from typing import Any

import pytest

from winnow import Client

pytestmark = [pytest.mark.processes, pytest.mark.backends("postgresql")]  # what is exported comes from S3


def test_a_graph_is_made_later_of_the_very_same_ticket(client: Client, finished: dict[str, Any]) -> None:
    made = client.export(finished["id"], target="onnx")
    job = client.wait(made["id"], timeout_seconds=240)
    assert job["state"] == "succeeded", job["error"]
    assert (job["origin"]["kind"], job["origin"]["job"], job["gate"]) == ("export", finished["id"], None)
    files = {item["name"] for item in client.artifacts(job["id"])}
    assert "model.onnx" in files
    assert not files & {"model.safetensors", "ticket.safetensors", "sparse.safetensors"}
    own, first = client.report(job["id"]), client.report(finished["id"])
    assert own["search"]["delivered"] == first["search"]["delivered"]
    assert own["certificate"] == first["certificate"]
    assert own["cost"] == first["cost"]  # no training was added


def test_a_fork_is_exported_and_an_export_too(client: Client, finished: dict[str, Any]) -> None:
    job = client.fork(finished["id"], from_level=2)
    for target, name in ((None, "model.safetensors"), ("pt2", "model.pt2"), ("hf", "hf/README.md")):
        job = client.export(job["id"], target=target) if target else job
        job = client.wait(job["id"], timeout_seconds=240)
        assert job["state"] == "succeeded", job["error"]
        assert name in {item["name"] for item in client.artifacts(job["id"])}

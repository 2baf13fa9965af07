"""A model and a dataset go in over HTTP; a ticket comes out that anyone can check."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

from winnow import Client
from winnow.numpy import read_mask, read_sparse, read_sparse_mask
from winnow.torch import load_sparse
from winnow.transfer import sha256_of, verify_folder

pytestmark = pytest.mark.processes

See = Callable[[Client, dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def ticket(url: str, finished: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ticket")
    with Client(url) as client:
        client.download(finished["id"], folder)
    return folder


def test_every_file_promised_is_there_and_has_its_digest(ticket: Path) -> None:
    names = set(verify_folder(ticket))
    assert {f"{word}.safetensors" for word in ("ticket", "model", "mask", "sparse")} <= names
    assert {"report.json", "report.html", "report.md", "recipe.json", "provenance.json", "manifest.json"} <= names
    assert {f"levels/{level:02d}/mask.safetensors" for level in range(4)} <= names


def test_the_weights_are_zero_where_the_mask_says(ticket: Path) -> None:
    mask = read_mask(ticket / "mask.safetensors")
    for name in ("ticket", "model"):
        state = load_file(ticket / f"{name}.safetensors")
        for parameter, kept in mask.items():
            assert not state[parameter][~kept].any()


def test_the_small_form_decodes_to_the_trained_model_bit_for_bit(ticket: Path) -> None:
    model, decoded = load_file(ticket / "model.safetensors"), read_sparse(ticket / "sparse.safetensors")
    assert model.keys() == decoded.keys()
    assert all(np.array_equal(value.view(np.uint8), decoded[name].view(np.uint8)) for name, value in model.items())


def test_both_files_carry_the_same_mask(ticket: Path) -> None:
    alone, carried = read_mask(ticket / "mask.safetensors"), read_sparse_mask(ticket / "sparse.safetensors")
    assert alone.keys() == carried.keys()
    assert all(np.array_equal(alone[name], carried[name]) for name in alone)


def test_the_ticket_loads_into_the_users_own_module(ticket: Path) -> None:
    class Mine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(64, 32), nn.Linear(32, 10)

    module = Mine()
    mask = load_sparse(module, ticket / "sparse.safetensors")
    assert int((module.fc1.weight != 0).sum()) <= int(mask["fc1.weight"].sum())
    assert torch.isfinite(module.fc2(torch.relu(module.fc1(torch.zeros(1, 64))))).all()


def test_the_report_is_the_same_over_the_api_and_in_the_ticket(client: Client, finished: Any, ticket: Path) -> None:
    report = client.report(finished["id"])
    assert report == json.loads((ticket / "report.json").read_text())
    assert report["certificate"]["n"] == 3
    assert [level["level"] for level in report["levels"]] == [0, 1, 2, 3]


def test_the_page_and_the_card_are_given_as_they_are_in_the_ticket(client: Client, finished: Any, ticket: Path) -> None:
    assert client.report_as(finished["id"], "html") == (ticket / "report.html").read_text()
    assert client.report_as(finished["id"], "md") == (ticket / "report.md").read_text()


def test_the_bundle_holds_the_same_files(url: str, finished: Any, ticket: Path, tmp_path: Path) -> None:
    answer = httpx2.get(f"{url}/v1/jobs/{finished['id']}/bundle")
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as bundle:
        bundle.extractall(tmp_path, filter="data")
    # The card is in the bundle a second time, as README.md, where folders on a forge show it.
    inside = next(path.parent for path in tmp_path.rglob("SHA256SUMS"))
    assert verify_folder(inside) == verify_folder(ticket)
    assert sha256_of(inside / "README.md") == sha256_of(ticket / "report.md")


def test_the_log_has_no_gap_and_ends_with_the_end(client: Client, finished: Any) -> None:
    events = [event for event in client.events(finished["id"]) if event["type"] != "progress"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "job.queued"
    assert events[-1]["type"] == "job.succeeded"
    words = [event["type"] for event in events]
    assert words.index("job.started") < words.index("job.ticket_found") < words.index("artifact.ready")


def test_each_level_is_in_the_log_once_for_each_replicate(client: Client, finished: Any) -> None:
    events = [event["data"] for event in client.events(finished["id"]) if event["type"] == "job.level_completed"]
    assert sorted((data["replicate"], data["level"]) for data in events) == [(r, k) for r in range(3) for k in range(4)]


def test_the_levels_of_the_api_are_those_of_the_report(client: Client, finished: Any) -> None:
    rows = [row for row in client.levels(finished["id"]) if row["replicate"] == 0]
    report = client.report(finished["id"])["levels"]
    assert [(row["level"], row["kept"]) for row in rows] == [(row["level"], row["kept"]) for row in report]


@pytest.mark.backends("sqlite")  # no bits hang on the database
def test_the_same_seed_gives_the_same_bits(client: Client, finished: Any, small: Any, succeeded: See) -> None:
    again = succeeded(client, small)
    digests = [
        {item["name"]: item["sha256"] for item in client.artifacts(job["id"]) if item["name"].endswith(".safetensors")}
        for job in (finished, again)
    ]
    assert digests[0] == digests[1]


@pytest.mark.backends("sqlite")  # no bits hang on the database
def test_another_seed_gives_another_ticket(client: Client, finished: Any, small: Any, succeeded: See) -> None:
    other = succeeded(client, small | {"recipe": small["recipe"] | {"seed": 1, "evidence": "none"}})
    digests = [
        next(item["sha256"] for item in client.artifacts(job["id"]) if item["name"] == "mask.safetensors")
        for job in (finished, other)
    ]
    assert digests[0] != digests[1]

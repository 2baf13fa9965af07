"""service.routes.models, datasets: registered, inspected by somebody else, waited for."""

import struct
import threading
import time
from typing import Any

import pytest

from jobs.leases import claim, finish_inspection
from jobs.slots import SlotIdentity
from ticketing.architectures import Inventory, inventory

INSPECTOR = SlotIdentity("slot-9", ("inspect",), "landlock")
MLP = {"in_features": 4, "hidden": [3], "classes": 2}


def safetensors(tensors: dict[str, tuple[str, list[int], int]]) -> bytes:
    """Write a file of zeros: name -> (dtype, shape, bytes)."""
    import json

    at, header = 0, {}
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    words = json.dumps(header).encode()
    return struct.pack("<Q", len(words)) + words + bytes(at)


def state_of(made: Inventory) -> dict[str, tuple[str, list[int], int]]:
    """List the tensors that an architecture's file holds."""
    sizes = {"F32": 4, "I64": 8}
    found = {}
    for name, entry in made.state.items():
        size = sizes[entry.dtype]
        for side in entry.shape:
            size *= side
        found[name] = (entry.dtype, list(entry.shape), size)
    return found


GOOD = state_of(inventory("mlp", MLP))


def test_an_architecture_with_a_seed_is_ready_at_once(service: Any) -> None:
    answer = service.post("/v1/models", {"name": "LeNet", "architecture": "lenet-300-100", "seed": 7})
    model = answer.json()
    assert (answer.status_code, model["state"], model["seed"]) == (201, "ready", 7)
    assert answer.headers["location"] == f"/v1/models/{model['id']}"
    assert model["arguments"] == {"classes": 10, "in_channels": 1, "input_size": [28, 28]}
    assert model["prunable_share"] == pytest.approx(266_200 / 266_610)
    assert service.http.get(answer.headers["location"]).json() == model


def test_an_upload_whose_header_fits_is_inspected_and_becomes_ready(service: Any) -> None:
    sha256 = service.blob(safetensors(GOOD))
    answer = service.post("/v1/models", {"architecture": "mlp", "arguments": MLP, "sha256": sha256})
    assert (answer.status_code, answer.json()["state"]) == (201, "inspecting")
    path = answer.headers["location"]

    def inspect() -> None:
        taken = claim(service.database, slot=INSPECTOR, ttl_seconds=60)
        assert taken is not None
        finish_inspection(service.database, taken.lease, ready={"inventory": inventory("mlp", MLP).as_json()})

    timer = threading.Timer(0.2, inspect)
    timer.start()
    began = time.monotonic()
    ready = service.http.get(path, params={"wait": 20})
    timer.join()
    assert (ready.status_code, ready.json()["state"]) == (200, "ready")
    assert time.monotonic() - began < 5
    again = service.http.get(path, headers={"If-None-Match": ready.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("tensors", "told"),
    [
        ({k: v for k, v in GOOD.items() if k != "fc2.bias"}, "fc2.bias: expected F32 [2], got nothing"),
        (GOOD | {"extra": ("F32", [1], 4)}, "extra: not expected"),
        (GOOD | {"fc1.weight": ("F32", [4, 3], 48)}, "fc1.weight: expected F32 [3, 4], got F32 [4, 3]"),
        (GOOD | {"fc1.bias": ("F16", [3], 6)}, "fc1.bias: expected F32 [3], got F16 [3]"),
    ],
    ids=["missing", "unexpected", "transposed", "of another dtype"],
)
def test_wrong_tensors_are_named_before_anything_is_queued(service: Any, tensors: Any, told: str) -> None:
    body = {"architecture": "mlp", "arguments": MLP, "sha256": service.blob(safetensors(tensors))}
    answer = service.post("/v1/models", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_model")
    assert answer.json()["errors"][0]["pointer"] == "/sha256"
    assert told in answer.json()["errors"][0]["detail"]
    assert claim(service.database, slot=INSPECTOR, ttl_seconds=60) is None


def test_a_dataset_is_inspected_and_the_same_builtin_is_given_back(service: Any) -> None:
    first = service.post("/v1/datasets", {"uri": "builtin:digits"})
    assert (first.status_code, first.json()["state"]) == (201, "inspecting")
    service.inspect()
    second = service.post("/v1/datasets", {"uri": "builtin:digits"})
    assert (second.json()["id"], second.json()["state"]) == (first.json()["id"], "ready")
    shown = service.http.get(first.headers["location"])
    assert (shown.status_code, shown.json()["summary"]["splits"]) == (200, {"train": 1437, "test": 360})


def test_a_refused_upload_says_why(service: Any) -> None:
    made = service.post("/v1/datasets", {"name": "mine", "sha256": service.blob(b"not an npz")}).json()
    taken = claim(service.database, slot=INSPECTOR, ttl_seconds=60)
    assert taken is not None
    refused = {"code": "bad_dataset", "detail": "expected x_train, got no such array"}
    finish_inspection(service.database, taken.lease, refused=refused)
    shown = service.http.get(f"/v1/datasets/{made['id']}", params={"wait": 10}).json()
    assert (shown["state"], shown["error"]) == ("refused", refused)


def test_lists_hold_the_newest_first(service: Any) -> None:
    mine = [service.post("/v1/models", {"architecture": "mlp", "arguments": MLP}).json()["id"] for _ in range(3)]
    items = service.http.get("/v1/models", params={"page_size": 3}).json()["items"]
    assert [item["id"] for item in items] == mine[::-1]


@pytest.mark.parametrize(("kind", "known"), [("models", "mdl"), ("datasets", "ds")])
def test_what_there_is_not_is_a_problem(service: Any, kind: str, known: str) -> None:
    answer = service.http.get(f"/v1/{kind}/{known}_01J9ZD6T2N8Q4R5S6T7V8W9X0Y")
    assert (answer.status_code, answer.json()["code"]) == (404, f"{kind[:-1]}_not_found")

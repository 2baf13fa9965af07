"""Inspections through a real slot: an upload becomes ready or is refused with the reason, whatever its child does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jobs import grants
from jobs.blobs import open_blobs
from jobs.inputs import Dataset, Model, find_dataset, find_model
from jobs.making.intake import create_dataset, create_model
from jobs.making.submissions import DatasetSubmission, ModelSubmission, parse
from ticketing.architectures import inventory

if TYPE_CHECKING:
    from tests.faults.conftest import House

pytestmark = pytest.mark.processes

ARGUMENTS = {"in_features": 4, "hidden": [3], "classes": 2}
SUMMARY = {"shape": [1, 8, 8], "classes": 10, "splits": {"train": 1437}, "fingerprint": "f" * 64}


def uploaded(house: House, told: dict[str, Any]) -> str:
    """Store an upload that tells the stand-in what to do."""
    with open_blobs(house.settings).writer() as writer:
        writer.write(json.dumps(told).encode())
        stored = writer.finish()
    with house.database.write() as conn:
        grants.grant(conn, tenant="default", stored=stored)
    return stored.sha256


def dataset(house: House, told: dict[str, Any]) -> Dataset:
    """Have a dataset inspected to the end."""
    body = parse(DatasetSubmission, {"sha256": uploaded(house, told)})
    with house.database.write() as conn:
        made = create_dataset(conn, tenant="default", body=body)

    def looked_at() -> Dataset | None:
        with house.database.read() as conn:
            found = find_dataset(conn, tenant="default", dataset_id=made.id)
        return None if found.state == "inspecting" else found

    house.start_slot("inspect")
    found: Dataset = house.wait_until(looked_at, seconds=30, what="the inspection")
    return found


def model(house: House, told: dict[str, Any]) -> Model:
    """Have a model inspected to the end."""
    raw = {"sha256": uploaded(house, told), "architecture": "mlp", "arguments": ARGUMENTS}
    with house.database.write() as conn:
        body = parse(ModelSubmission, raw)
        made = create_model(conn, tenant="default", body=body, check_header=lambda *_: None)

    def looked_at() -> Model | None:
        with house.database.read() as conn:
            found = find_model(conn, tenant="default", model_id=made.id)
        return None if found.state == "inspecting" else found

    house.start_slot("inspect")
    found: Model = house.wait_until(looked_at, seconds=30, what="the inspection")
    return found


def test_a_dataset_becomes_ready_and_its_canonical_form_a_blob(house: House) -> None:
    found = dataset(house, {"do": "ready", "found": {"summary": SUMMARY}})
    assert (found.state, found.summary) == ("ready", SUMMARY)
    assert found.canonical_sha256 is not None
    with open_blobs(house.settings).open(found.canonical_sha256) as file:
        assert file.read() == b"canonical"


def test_a_model_becomes_ready_with_its_inventory(house: House) -> None:
    expected = json.loads(json.dumps(inventory("mlp", ARGUMENTS).as_json()))
    found = model(house, {"do": "ready", "found": {"inventory": expected}})
    assert (found.state, found.inventory) == ("ready", expected)


def test_a_refusal_is_told_in_the_words_of_the_inspection(house: House) -> None:
    found = dataset(house, {"do": "refuse"})
    assert (found.state, found.error) == ("refused", {"code": "bad_upload", "detail": "row 7 holds NaN"})


def test_an_upload_that_always_ends_its_inspection_is_refused_at_the_third_strike(house: House) -> None:
    found = model(house, {"do": "die"})
    assert found.state == "refused"
    assert found.error is not None
    assert found.error["code"] == "worker_lost"


def test_an_inventory_of_another_network_is_not_believed(house: House) -> None:
    other = json.loads(json.dumps(inventory("mlp", ARGUMENTS | {"hidden": [300]}).as_json()))
    found = model(house, {"do": "ready", "found": {"inventory": other}})
    assert (found.state, found.inventory) == ("refused", None)


@pytest.mark.parametrize("look", [dataset, model])
def test_an_inspection_that_does_not_tell_what_it_found_is_no_inspection(look: Any, house: House) -> None:
    found = look(house, {"do": "say nothing"})
    assert found.state == "refused"
    assert found.error["code"] == "protocol_violation"

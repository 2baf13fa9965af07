"""jobs.inputs: each tenant sees its own models and datasets, and whether they go together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jobs import inputs
from jobs.errors import NotFoundError
from jobs.inputs import Dataset, Model
from jobs.making.intake import create_dataset, create_model
from jobs.making.submissions import InlineDataset, InlineModel
from jobs.pages import PageRequest
from ticketing.architectures import arguments_for, inventory

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench


@pytest.fixture
def net(bench: Bench) -> Model:
    with bench.db.write() as conn:
        body = InlineModel(architecture="lenet-300-100")
        return create_model(conn, tenant="ada", body=body, check_header=lambda *_: None)


@pytest.fixture
def data(bench: Bench) -> Dataset:
    with bench.db.write() as conn:
        return create_dataset(conn, tenant="ada", body=InlineDataset(uri="builtin:digits"))


def test_a_tenant_finds_its_own_and_nobody_elses(bench: Bench, net: Model, data: Dataset) -> None:
    with bench.db.read() as conn:
        assert inputs.find_model(conn, tenant="ada", model_id=net.id) == net
        assert inputs.find_dataset(conn, tenant="ada", dataset_id=data.id) == data
        with pytest.raises(NotFoundError, match=net.id):
            inputs.find_model(conn, tenant="bob", model_id=net.id)
        with pytest.raises(NotFoundError, match=data.id):
            inputs.find_dataset(conn, tenant="bob", dataset_id=data.id)


def test_lists_hold_a_tenants_own(bench: Bench, net: Model, data: Dataset) -> None:
    with bench.db.read() as conn:
        assert list(inputs.list_models(conn, tenant="ada", page=PageRequest()).items) == [net]
        assert list(inputs.list_datasets(conn, tenant="ada", page=PageRequest()).items) == [data]
        assert inputs.list_models(conn, tenant="bob", page=PageRequest()).items == []


def test_a_model_is_shown_with_what_can_be_pruned_of_it(net: Model) -> None:
    shown = inputs.model_object(net)
    assert shown["prunable_share"] == pytest.approx(266_200 / 266_610)
    can, without_norms, cannot = shown["searches"]
    assert can == {"search": "iterative", "supported": True, "reason": None}
    assert (without_norms["search"], without_norms["supported"]) == ("early_bird", False)
    assert "expected a network with batch norms" in without_norms["reason"]
    assert (cannot["search"], cannot["supported"]) == ("capacity_sweep", False)
    assert "expected the architecture mlp" in cannot["reason"]
    assert shown["created_at"].endswith("Z")
    assert not {"tenant", "version", "shaped_by"} & set(shown)


def test_the_tag_changes_when_what_is_shown_does(bench: Bench, data: Dataset) -> None:
    bench.ready()
    with bench.db.read() as conn:
        inspected = inputs.find_dataset(conn, tenant="ada", dataset_id=data.id)
    assert (data.state, inspected.state) == ("inspecting", "ready")
    assert inputs.etag(inspected) != inputs.etag(data)


@pytest.mark.parametrize(
    ("architecture", "arguments", "shape", "classes", "fits"),
    [
        ("lenet-300-100", {"in_channels": 1, "input_size": [8, 8], "classes": 10}, [1, 8, 8], 10, True),
        ("lenet-300-100", {"in_channels": 1, "input_size": [28, 28], "classes": 10}, [1, 8, 8], 10, False),
        ("mlp", {"in_features": 64, "classes": 10}, [1, 8, 8], 10, True),
        ("mlp", {"in_features": 64, "classes": 10}, [64], 10, True),
        ("mlp", {"in_features": 63, "classes": 10}, [1, 8, 8], 10, False),
        ("mlp", {"in_features": 64, "classes": 12}, [64], 10, True),
        ("mlp", {"in_features": 64, "classes": 9}, [64], 10, False),
        ("vit-tiny", {"in_channels": 1, "input_size": [8, 8], "classes": 10}, [1, 8, 8], 10, True),
        ("vit-tiny", {"in_channels": 1, "input_size": [8, 8], "classes": 10}, [64], 10, False),
        ("vit-tiny", {"in_channels": 1, "input_size": [8, 8], "classes": 10}, [], 10, False),
        ("gpt", {"vocabulary": 65}, [], 65, True),
        ("gpt", {"vocabulary": 64}, [], 65, False),
        ("gpt", {"vocabulary": 65}, [256], 65, False),
    ],
)
def test_a_model_fits_the_data_it_can_read(
    net: Model, data: Dataset, architecture: str, arguments: dict[str, Any], shape: list[int], classes: int, fits: bool
) -> None:
    made = inventory(architecture, arguments_for(architecture, arguments)).as_json()
    ready = replace(
        data, summary={"shape": shape, "classes": classes, "task": "classification" if shape else "next_token"}
    )
    assert (inputs.misfit(replace(net, inventory=made), ready) is None) is fits


def test_what_is_not_known_yet_is_no_misfit(net: Model, data: Dataset) -> None:
    assert inputs.misfit(net, data) is None

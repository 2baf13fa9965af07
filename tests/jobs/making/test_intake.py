"""jobs.making.intake: a model that is known whole is ready at once; whatever has to be looked at first is inspected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jobs.blobs import Stored
from jobs.database import Database
from jobs.grants import grant
from jobs.inputs import Dataset, Model, find_dataset
from jobs.making.intake import create_dataset, create_model
from jobs.making.submissions import DatasetSubmission, ModelSubmission, parse
from jobs.tables import job
from ticketing.architectures import Inventory
from ticketing.errors import DataError, ModelError

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

FILE = Stored("a" * 64, 1000)


def model(
    db: Database, *, data: Dataset | None = None, check: Any = lambda *_: None, at: str = "", **raw: Any
) -> Model:
    with db.write() as conn:
        body = parse(ModelSubmission, raw)
        return create_model(conn, tenant="ada", body=body, check_header=check, data=data, at=at)


def dataset(db: Database, *, tenant: str = "ada", **raw: Any) -> Dataset:
    with db.write() as conn:
        return create_dataset(conn, tenant=tenant, body=parse(DatasetSubmission, raw))


def send(db: Database, *, tenant: str = "ada") -> None:
    with db.write() as conn:
        grant(conn, tenant=tenant, stored=FILE)


def test_an_architecture_and_a_seed_are_ready_at_once(bench: Bench) -> None:
    made = model(bench.db, architecture="lenet-300-100", seed=7)
    assert (made.state, made.seed, made.sha256) == ("ready", 7, None)
    assert made.inventory is not None
    assert Inventory.from_json(made.inventory).prunable_total == 266_200
    assert bench.count(job) == 0


def test_left_out_arguments_are_written_back(bench: Bench) -> None:
    made = model(bench.db, architecture="lenet-300-100")
    assert made.arguments == {"in_channels": 1, "input_size": [28, 28], "classes": 10}


def test_left_out_arguments_come_from_a_dataset_that_is_ready(bench: Bench) -> None:
    bench.ready()
    made = model(bench.db, data=dataset(bench.db, uri="builtin:digits"), architecture="lenet-300-100")
    assert (made.state, made.arguments["input_size"]) == ("ready", [8, 8])


def test_left_out_arguments_wait_for_a_dataset_that_is_inspecting(bench: Bench) -> None:
    data = dataset(bench.db, uri="builtin:digits")
    made = model(bench.db, data=data, architecture="lenet-300-100")
    assert (made.state, made.shaped_by, made.inventory) == ("inspecting", data.id, None)


def test_arguments_that_are_all_given_wait_for_nothing(bench: Bench) -> None:
    data = dataset(bench.db, uri="builtin:digits")
    arguments = {"in_channels": 1, "input_size": [8, 8], "classes": 10}
    made = model(bench.db, data=data, architecture="lenet-300-100", arguments=arguments)
    assert (made.state, made.shaped_by) == ("ready", None)


def test_an_upload_is_inspected_after_its_header_was_checked(bench: Bench) -> None:
    send(bench.db)
    looked: list[tuple[str, int]] = []
    made = model(
        bench.db,
        check=lambda sha256, inventory: looked.append((sha256, inventory.prunable_total)),
        architecture="lenet-300-100",
        sha256=FILE.sha256,
        weights="trained",
    )
    assert (made.state, made.seed, made.weights) == ("inspecting", None, "trained")
    assert looked == [(FILE.sha256, 266_200)]
    assert bench.count(job, kind="inspect", inspects_model=made.id) == 1


def test_an_upload_whose_header_does_not_fit_is_refused_and_not_kept(bench: Bench) -> None:
    send(bench.db)

    def refuse(sha256: str, inventory: Inventory) -> None:
        raise ModelError("expected fc1.weight")

    with pytest.raises(ModelError, match=r"fc1\.weight"):
        model(bench.db, check=refuse, architecture="lenet-300-100", sha256=FILE.sha256)
    assert bench.count(job) == 0


@pytest.mark.parametrize("sender", [None, "bob"])
def test_a_file_this_tenant_never_sent_does_not_exist(bench: Bench, sender: str | None) -> None:
    if sender:
        send(bench.db, tenant=sender)
    with pytest.raises(ModelError) as of_model:
        model(bench.db, architecture="mlp", sha256=FILE.sha256)
    with pytest.raises(DataError) as of_data:
        dataset(bench.db, sha256=FILE.sha256)
    for refused in (of_model, of_data):
        assert [(f.pointer, f.code) for f in refused.value.faults] == [("/sha256", "no_such_blob")]


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        ({"architecture": "resnet-21"}, "/model/architecture"),
        ({"architecture": "mlp", "arguments": {"classes": 0}}, "/model/arguments/classes"),
        ({"architecture": "mlp", "arguments": {"width": 3}}, "/model/arguments/width"),
    ],
)
@pytest.mark.parametrize("ready", [True, False])
def test_a_wrong_network_is_refused_at_once_with_its_place(
    bench: Bench, raw: dict[str, Any], pointer: str, ready: bool
) -> None:
    if ready:
        bench.ready()
    data = dataset(bench.db, uri="builtin:digits")
    with pytest.raises(ModelError) as refused:
        model(bench.db, at="/model", data=data, **raw)
    assert pointer in [fault.pointer for fault in refused.value.faults]


def test_an_uploaded_dataset_is_inspected(bench: Bench) -> None:
    send(bench.db)
    made = dataset(bench.db, sha256=FILE.sha256, name="mine")
    assert (made.state, made.sha256, made.name) == ("inspecting", FILE.sha256, "mine")
    assert bench.count(job, kind="inspect", inspects_dataset=made.id) == 1


def test_a_builtin_dataset_is_inspected_once_per_tenant(bench: Bench) -> None:
    first = dataset(bench.db, uri="builtin:digits")
    assert dataset(bench.db, uri="builtin:digits").id == first.id
    bench.ready()
    assert dataset(bench.db, uri="builtin:digits").id == first.id
    assert dataset(bench.db, tenant="bob", uri="builtin:digits").id != first.id


def test_what_was_created_is_what_is_found(bench: Bench) -> None:
    made = dataset(bench.db, uri="builtin:digits", name="digits")
    with bench.db.read() as conn:
        assert find_dataset(conn, tenant="ada", dataset_id=made.id) == made

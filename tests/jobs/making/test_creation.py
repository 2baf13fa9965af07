"""jobs.making.creation: a job, its inputs and its first event are written together or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from jobs.inputs import Dataset, Model
from jobs.making.creation import create_job, inputs_of
from jobs.making.submissions import JobSubmission, parse
from jobs.tables import dataset, job, model
from ticketing.errors import RequestError

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

RECIPE = {"search": "iterative", "levels": 3, "seed": 0}
RAW: dict[str, Any] = {
    "model": {"architecture": "lenet-300-100", "seed": 0},
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative"},
}
PLAN = {"levels": 3, "training_flops": 10**12, "warnings": [{"code": "w", "detail": "d"}]}


def inputs(bench: Bench, **body: Any) -> tuple[Model, Dataset]:
    with bench.db.write() as conn:
        submission = parse(JobSubmission, RAW | body)
        return inputs_of(conn, tenant="ada", submission=submission, check_header=lambda *_: None)


def refusal(bench: Bench, **body: Any) -> list[tuple[str, str]]:
    with pytest.raises(RequestError) as refused:
        inputs(bench, **body)
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


def test_inline_inputs_are_created_and_named_ones_looked_up(bench: Bench) -> None:
    net, data = inputs(bench)
    again = inputs(bench, model=net.id, dataset=data.id)
    assert [found.id for found in again] == [net.id, data.id]


@pytest.mark.parametrize("field", ["model", "dataset"])
def test_an_id_that_names_nothing_of_this_tenant_is_a_fault_of_its_field(bench: Bench, field: str) -> None:
    bench.submit(tenant="bob")
    with bench.db.read() as conn:
        of_bob = conn.execute(model.select() if field == "model" else dataset.select()).mappings().one()["id"]
    assert refusal(bench, **{field: of_bob}) == [(f"/{field}", "not_found")]


def test_an_input_that_was_refused_is_refused_again(bench: Bench) -> None:
    net, data = inputs(bench)
    with bench.db.write() as conn:
        conn.execute(update(dataset).values(state="refused"))
    assert refusal(bench, model=net.id, dataset=data.id) == [("/dataset", "refused")]


def test_a_model_that_cannot_read_the_dataset_is_refused(bench: Bench) -> None:
    bench.ready()
    arguments = {"in_channels": 3, "input_size": [32, 32], "classes": 10}
    wrong = {"architecture": "conv-2", "arguments": arguments}
    assert refusal(bench, model=wrong) == [("/dataset", "does_not_fit")]


def test_a_job_is_written_with_the_event_that_it_was_queued(bench: Bench) -> None:
    bench.ready()
    net, data = inputs(bench)
    with bench.db.write() as conn:
        body = RAW | {"name": "n", "labels": {"a": "b"}, "priority": 3, "device": "cpu", "gates": {"max_bytes": 9}}
        submission = parse(JobSubmission, body)
        job_id = create_job(
            conn, tenant="ada", submission=submission, model=net, dataset=data, resolved_recipe=RECIPE, plan=PLAN
        )
    row = bench.row(job_id)
    told = {key: row[key] for key in ("name", "labels", "priority", "device", "gates", "model_id", "dataset_id")}
    assert told == {
        "name": "n",
        "labels": {"a": "b"},
        "priority": 3,
        "device": "cpu",
        "gates": {"max_bytes": 9},
        "model_id": net.id,
        "dataset_id": data.id,
    }
    assert (row["recipe"], row["resolved_recipe"]) == ({"search": "iterative"}, RECIPE)
    assert (row["estimated_flops"], row["warnings"], row["progress"]["levels_total"]) == (1e12, PLAN["warnings"], 3)
    assert bench.types(job_id) == ["job.queued"]


def test_a_request_that_is_refused_in_the_end_leaves_nothing(bench: Bench) -> None:
    def refuse() -> None:
        with bench.db.write() as conn:
            inputs_of(conn, tenant="ada", submission=parse(JobSubmission, RAW), check_header=lambda *_: None)
            raise RequestError("the recipe does not suit")

    with pytest.raises(RequestError):
        refuse()
    assert [bench.count(table) for table in (model, dataset, job)] == [0, 0, 0]

"""jobs.making, at the same instant as others and as inspections: nothing waits for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from jobs import tables
from jobs.blobs import Stored
from jobs.leases import finish_inspection
from jobs.making.creation import create_job, inputs_of
from jobs.making.submissions import JobSubmission, parse

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

BODY = {
    "model": {"architecture": "mlp"},  # its arguments come from the data
    "dataset": {"uri": "builtin:digits"},
    "recipe": {"search": "iterative", "levels": 3, "seed": 0},
}
DIGITS = {"shape": [1, 8, 8], "classes": 10, "name": "digits", "fingerprint": "f" * 8}


def test_submissions_at_once_share_one_builtin_dataset_and_its_one_inspection(bench: Bench) -> None:
    gate = threading.Barrier(8)

    def submit(_: int) -> str:
        gate.wait()
        return bench.submit()

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(submit, range(8)))
    assert len({bench.row(job_id)["dataset_id"] for job_id in made}) == 1
    assert bench.count(tables.job, kind="inspect") == 1


@pytest.mark.parametrize("refused", [False, True], ids=["ready", "refused"])
def test_a_job_written_while_its_dataset_is_being_settled_is_settled_with_it(bench: Bench, refused: bool) -> None:
    bench.submit()
    inspection = bench.claim(kinds=("inspect",))

    def settle() -> Any:
        if refused:
            return finish_inspection(bench.db, inspection.lease, refused={"code": "bad_data", "detail": "no images"})
        stored = Stored("c" * 64, 1000)
        return finish_inspection(bench.db, inspection.lease, ready={"summary": DIGITS}, canonical=stored)

    submission = parse(JobSubmission, BODY)
    with ThreadPoolExecutor(1) as threads:
        with bench.db.write() as conn:
            model, dataset = inputs_of(conn, tenant="ada", submission=submission, check_header=lambda *_: None)
            settling = threads.submit(settle)
            threading.Event().wait(0.3)  # it is at it, or waits until this transaction has ended
            job_id = create_job(
                conn, tenant="ada", submission=submission, model=model, dataset=dataset,
                resolved_recipe=BODY["recipe"], plan=None,
            )  # fmt: skip
        settling.result()
    if refused:
        assert bench.state(job_id) == "failed"
    else:
        assert bench.count(tables.model, state="inspecting") == 0
        assert {bench.claim(f"slot-{n}").lease.job_id for n in range(2)} >= {job_id}

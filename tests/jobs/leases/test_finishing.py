"""jobs.leases.finishing: how an attempt ends, what is told of it, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs import gates
from jobs.errors import CancelledFirstError, LeaseLostError
from jobs.events import NewEvent
from jobs.leases import (
    Checkpoint,
    Failed,
    NewArtifact,
    Stopped,
    Succeeded,
    commit,
    finish,
    request_cancel,
    request_pause,
    request_resume,
)
from jobs.tables import artifact, blob, checkpoint

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

SUMMARY = {"sparsity": 0.9, "bytes": 1000}
MADE = [NewArtifact("ticket.safetensors", "a" * 64, 1000), NewArtifact("report.html", "b" * 64, 10, "text/html")]


def succeeded(**asked: float) -> Succeeded:
    return Succeeded(MADE, gates.evaluate(asked, SUMMARY), {"level": 3}, {"used_flops": 1e9}, SUMMARY)


def test_a_success_tells_its_facts_then_artifacts_then_the_gate_and_the_end_last(bench: Bench) -> None:
    lease = bench.running(gates={"max_bytes": 999}).lease
    rest = [NewEvent("job.ticket_found", {"level": 3})]
    finish(bench.db, lease, outcome=succeeded(max_bytes=999), events=rest)
    told = bench.types(lease.job_id)
    assert told[1:] == ["job.ticket_found", "artifact.ready", "artifact.ready", "job.gate", "job.succeeded"]
    gate = bench.log(lease.job_id)[-2]
    assert (gate["data"]["outcome"], gate["severity"]) == ("missed", "warning")


def test_no_gate_is_told_when_none_was_asked_for(bench: Bench) -> None:
    lease = bench.running().lease
    finish(bench.db, lease, outcome=succeeded())
    assert "job.gate" not in bench.types(lease.job_id)


def test_what_it_made_is_kept_with_the_attempt_that_made_it(bench: Bench) -> None:
    lease = bench.running().lease
    finish(bench.db, lease, outcome=succeeded())
    assert bench.count(artifact, job_id=lease.job_id, attempt=1, name="report.html", sha256="b" * 64) == 1
    assert bench.count(blob) == 1 + len(MADE)  # and the dataset


def test_a_finished_job_is_shown_as_done_and_nobodys(bench: Bench) -> None:
    lease = bench.running().lease
    finish(bench.db, lease, outcome=succeeded())
    row = bench.row(lease.job_id)
    assert (row["state"], row["owner"], row["lease_until"]) == ("succeeded", None, None)
    assert (row["progress"]["fraction"], row["best"], row["used_flops"]) == (1.0, {"level": 3}, 1e9)
    assert row["finished_at"] is not None


def test_a_second_finish_is_refused(bench: Bench) -> None:
    lease = bench.running().lease
    finish(bench.db, lease, outcome=succeeded())
    with pytest.raises(LeaseLostError):
        finish(bench.db, lease, outcome=Failed({"code": "x"}))
    assert bench.state(lease.job_id) == "succeeded"


def test_a_cancel_that_was_answered_wins_over_a_success(bench: Bench) -> None:
    lease = bench.running().lease
    request_cancel(bench.db, tenant="ada", job_id=lease.job_id)
    with pytest.raises(CancelledFirstError):
        finish(bench.db, lease, outcome=succeeded())
    assert bench.count(artifact) == 0
    finish(bench.db, lease, outcome=Stopped())
    assert bench.types(lease.job_id)[-2:] == ["job.cancelling", "job.cancelled"]


@pytest.mark.parametrize("retry", [True, False])
def test_whatever_failed_after_a_cancel_is_cancelled(bench: Bench, retry: bool) -> None:
    lease = bench.running().lease
    request_cancel(bench.db, tenant="ada", job_id=lease.job_id)
    finish(bench.db, lease, outcome=Failed({"code": "x"}, retry=retry))
    assert (bench.state(lease.job_id), bench.row(lease.job_id)["error"]) == ("cancelled", None)


def test_what_was_stopped_and_is_wanted_again_goes_back_to_the_queue_without_a_strike(bench: Bench) -> None:
    lease = bench.running().lease
    request_pause(bench.db, tenant="ada", job_id=lease.job_id, pause_seconds=60)
    request_resume(bench.db, tenant="ada", job_id=lease.job_id)
    finish(bench.db, lease, outcome=Stopped())
    row = bench.row(lease.job_id)
    assert (row["state"], row["reason"], row["strikes"]) == ("queued", "resumed", 0)
    assert bench.claim().lease.attempt == 2


def test_a_job_that_succeeds_while_it_is_asked_to_pause_has_succeeded(bench: Bench) -> None:
    lease = bench.running().lease
    request_pause(bench.db, tenant="ada", job_id=lease.job_id, pause_seconds=60)
    finish(bench.db, lease, outcome=succeeded())
    row = bench.row(lease.job_id)
    assert (row["state"], row["pause_requested"], row["pause_expires_at"]) == ("succeeded", None, None)


def test_a_failure_that_would_come_again_ends_the_job_with_its_reason(bench: Bench) -> None:
    lease = bench.running().lease
    error = {"code": "out_of_memory", "detail": "expected less"}
    finish(bench.db, lease, outcome=Failed(error))
    assert (bench.state(lease.job_id), bench.row(lease.job_id)["error"]) == ("failed", error)
    last = bench.log(lease.job_id)[-1]
    assert (last["type"], last["severity"], last["data"]) == ("job.failed", "error", {"error": error})


def test_a_failure_that_may_not_come_again_is_tried_again_at_once(bench: Bench) -> None:
    lease = bench.running().lease
    finish(bench.db, lease, outcome=Failed({"code": "trainer_died"}, retry=True))
    row = bench.row(lease.job_id)
    assert (row["state"], row["reason"], row["strikes"]) == ("queued", "trainer_died", 1)
    assert bench.claim().lease.attempt == 2


@pytest.mark.parametrize(("outcome", "left"), [("succeeded", [3]), ("failed", [2, 3])])
def test_a_success_keeps_the_last_checkpoint_for_forks_and_a_failure_both_for_a_rerun(
    bench: Bench, outcome: str, left: list[int]
) -> None:
    lease = bench.running().lease
    for number in (1, 2, 3):
        commit(bench.db, lease, checkpoint=Checkpoint(number, f"{number:064x}", 10, {"level": number}, {}))
    finish(bench.db, lease, outcome=succeeded() if outcome == "succeeded" else Failed({"code": "x"}))
    assert [n for n in (1, 2, 3) if bench.count(checkpoint, job_id=lease.job_id, number=n)] == left

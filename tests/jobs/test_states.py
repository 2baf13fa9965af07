"""jobs.states: every legal and every illegal transition, each performed on a real database, from the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from jobs.drawing import ASKED_BY
from jobs.errors import CancelledFirstError, InvalidTransitionError, LeaseLostError
from jobs.leases import (
    Failed,
    Lease,
    Stopped,
    Succeeded,
    finish,
    finish_inspection,
    for_good,
    overdue,
    release,
    request_cancel,
    request_pause,
    request_resume,
    requeue,
)
from jobs.states import DONE, STATES, TRANSITIONS, VERBS, State, Verb, allowed, shown
from jobs.tables import attempt

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

SUCCEEDED = Succeeded(artifacts=(), gate=None, best=None, cost={}, summary={})
REFUSALS = (InvalidTransitionError, LeaseLostError, CancelledFirstError)
LIMIT = 100_000.0
WAITING: frozenset[State] = frozenset({"queued", "paused", "cancelled"})
"""Where a job can be whose dataset has not been looked at yet."""


def pause(bench: Bench, job_id: str) -> str:
    return request_pause(bench.db, tenant=bench.tenant, job_id=job_id, pause_seconds=LIMIT)


def bring(bench: Bench, state: State, *, waiting: bool) -> Lease:
    """Bring a job into a state and give the lease its worker has, or would have."""
    limits = {"max_queued_seconds": LIMIT, "max_running_seconds": LIMIT}
    if waiting or state == "queued":
        if not waiting:
            bench.ready()
        lease = Lease(bench.submit(limits=limits), 0, "slot-1", bench.tenant)
    else:
        lease = bench.running(limits=limits).lease
    if state in ("cancelling", "cancelled"):
        request_cancel(bench.db, tenant=bench.tenant, job_id=lease.job_id)
    if state in ("pausing", "paused"):
        pause(bench, lease.job_id)
    outcomes = {"succeeded": SUCCEEDED, "failed": Failed({"code": "x"}), "cancelled": Stopped(), "paused": Stopped()}
    if state in outcomes and not waiting:
        finish(bench.db, lease, outcome=outcomes[state])
    return lease


def refuse_what_it_waits_for(bench: Bench) -> None:
    if inspection := bench.claim(kinds=("inspect",)):
        finish_inspection(bench.db, inspection.lease, refused={"code": "bad_dataset", "detail": "no"})


def lose(bench: Bench) -> None:
    bench.expire()
    bench.sweep()


def overrun(bench: Bench) -> None:
    bench.elapse(LIMIT + 1)
    overdue.end_waits(bench.db, retain=for_good)
    overdue.end_runs(bench.db, patience_seconds=0, retain=for_good)


def expire(bench: Bench) -> None:
    bench.elapse(LIMIT + 1)
    overdue.end_pauses(bench.db, retain=for_good)


ACTS: dict[Verb, Callable[[Bench, Lease], object]] = {
    "claim": lambda bench, lease: bench.claim(),
    "cancel": lambda bench, lease: request_cancel(bench.db, tenant=lease.tenant, job_id=lease.job_id),
    "pause": lambda bench, lease: pause(bench, lease.job_id),
    "resume": lambda bench, lease: request_resume(bench.db, tenant=lease.tenant, job_id=lease.job_id),
    "refuse": lambda bench, lease: refuse_what_it_waits_for(bench),
    "expire": lambda bench, lease: expire(bench),
    "overrun": lambda bench, lease: overrun(bench),
    "succeed": lambda bench, lease: finish(bench.db, lease, outcome=SUCCEEDED),
    "fail": lambda bench, lease: finish(bench.db, lease, outcome=Failed({"code": "x"})),
    "retry": lambda bench, lease: finish(bench.db, lease, outcome=Failed({"code": "x"}, retry=True)),
    "stop": lambda bench, lease: finish(bench.db, lease, outcome=Stopped()),
    "drain": lambda bench, lease: release(bench.db, lease, reason="drained", strike=False),
    "lose": lambda bench, lease: lose(bench),
    "requeue": lambda bench, lease: requeue(bench.db, job_id=lease.job_id),
}
FIND_NOTHING_TO_DO = ("claim", "lose", "refuse", "expire", "overrun")


def seen_state(bench: Bench, lease: Lease) -> str:
    row = bench.row(lease.job_id)
    asked = {"cancel_requested": row["cancel_requested"] is not None}
    return shown(row["state"], **asked, pause_requested=row["pause_requested"] is not None)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", STATES)
def test_a_job_goes_where_the_table_says_and_nowhere_else(bench: Bench, state: State, verb: Verb) -> None:
    lease = bring(bench, state, waiting=verb == "refuse" and state in WAITING)
    assert seen_state(bench, lease) == state
    before = bench.row(lease.job_id)
    wanted = TRANSITIONS.get((state, verb))
    if wanted is None:
        try:
            ACTS[verb](bench, lease)
        except REFUSALS:
            assert verb not in FIND_NOTHING_TO_DO, "these say so by doing nothing"
        else:
            assert verb in FIND_NOTHING_TO_DO, "whoever asks for what cannot be is told so"
        assert seen_state(bench, lease) == state
        assert bench.row(lease.job_id)["last_seq"] == before["last_seq"]
    else:
        ACTS[verb](bench, lease)
        assert seen_state(bench, lease) == wanted
        row = bench.row(lease.job_id)
        assert (row["finished_at"] is not None) == (wanted in DONE)
        assert (row["owner"] is not None) == (row["state"] == "running")
        assert bench.count(attempt, job_id=lease.job_id, ended_at=None) == (row["state"] == "running")


@pytest.mark.parametrize("verb", ["retry", "lose"])
def test_the_third_strike_fails(bench: Bench, verb: Verb) -> None:
    lease = bring(bench, "running", waiting=False)
    for strike in (1, 2):
        ACTS[verb](bench, lease)
        assert (seen_state(bench, lease), bench.row(lease.job_id)["strikes"]) == ("queued", strike)
        bench.elapse(10)
        lease = replace(lease, attempt=bench.claim().lease.attempt)
    ACTS[verb](bench, lease)
    assert seen_state(bench, lease) == "failed"
    assert bench.row(lease.job_id)["error"]["code"] == "worker_lost"


@pytest.mark.parametrize("verb", ["retry", "lose", "drain", "stop"])
def test_what_was_asked_to_pause_is_no_strike(bench: Bench, verb: Verb) -> None:
    lease = bring(bench, "pausing", waiting=False)
    ACTS[verb](bench, lease)
    assert (seen_state(bench, lease), bench.row(lease.job_id)["strikes"]) == ("paused", 0)


def test_every_verb_is_brought_about_by_somebody() -> None:
    assert sorted(verb for verbs in ASKED_BY.values() for verb in verbs) == sorted(VERBS)


def test_nothing_but_a_second_cancel_leads_on_from_an_end() -> None:
    leaving = {(state, verb): to for (state, verb), to in TRANSITIONS.items() if state in DONE}
    assert leaving == {("cancelled", "cancel"): "cancelled"}


def test_a_client_is_told_what_it_may_ask() -> None:
    assert {state: allowed(state) for state in STATES} == {
        "queued": ("cancel", "pause"),
        "running": ("cancel", "pause"),
        "pausing": ("cancel", "resume"),
        "paused": ("cancel", "resume"),
        "cancelling": (),
        "succeeded": (),
        "failed": (),
        "cancelled": (),
    }

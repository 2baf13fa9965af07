"""jobs.states: every legal and every illegal transition, each performed on a real database, from the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from jobs.errors import CancelledFirstError, InvalidTransitionError, LeaseLostError
from jobs.leases import Cancelled, Failed, Lease, Succeeded, finish, finish_inspection, release, request_cancel
from jobs.states import DONE, STATES, TRANSITIONS, VERBS, State, Verb, allowed, shown

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

SUCCEEDED = Succeeded(artifacts=(), gate=None, best=None, cost={}, summary={})
REFUSALS = (InvalidTransitionError, LeaseLostError, CancelledFirstError)


def bring(bench: Bench, state: State, *, waiting: bool) -> Lease:
    """Bring a job into a state and give the lease its worker has, or would have."""
    if waiting:
        lease = Lease(bench.submit(), 0, "slot-1", bench.tenant)
        if state == "cancelled":
            request_cancel(bench.db, tenant=bench.tenant, job_id=lease.job_id)
        return lease
    if state == "queued":
        bench.ready()
        return Lease(bench.submit(), 0, "slot-1", bench.tenant)
    lease = bench.running().lease
    if state in ("cancelling", "cancelled"):
        request_cancel(bench.db, tenant=bench.tenant, job_id=lease.job_id)
    outcomes = {"succeeded": SUCCEEDED, "failed": Failed({"code": "x"}), "cancelled": Cancelled()}
    if state in outcomes:
        finish(bench.db, lease, outcome=outcomes[state])
    return lease


def refuse_what_it_waits_for(bench: Bench) -> None:
    if inspection := bench.claim(kinds=("inspect",)):
        finish_inspection(bench.db, inspection.lease, refused={"code": "bad_dataset", "detail": "no"})


def lose(bench: Bench) -> None:
    bench.expire()
    bench.sweep()


ACTS: dict[Verb, Callable[[Bench, Lease], object]] = {
    "claim": lambda bench, lease: bench.claim(),
    "cancel": lambda bench, lease: request_cancel(bench.db, tenant=lease.tenant, job_id=lease.job_id),
    "refuse": lambda bench, lease: refuse_what_it_waits_for(bench),
    "succeed": lambda bench, lease: finish(bench.db, lease, outcome=SUCCEEDED),
    "fail": lambda bench, lease: finish(bench.db, lease, outcome=Failed({"code": "x"})),
    "retry": lambda bench, lease: finish(bench.db, lease, outcome=Failed({"code": "x"}, retry=True)),
    "stop": lambda bench, lease: finish(bench.db, lease, outcome=Cancelled()),
    "drain": lambda bench, lease: release(bench.db, lease, reason="drained", strike=False),
    "lose": lambda bench, lease: lose(bench),
}


def seen_state(bench: Bench, lease: Lease) -> str:
    row = bench.row(lease.job_id)
    return shown(row["state"], cancel_requested=row["cancel_requested"] is not None)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", STATES)
def test_a_job_goes_where_the_table_says_and_nowhere_else(bench: Bench, state: State, verb: Verb) -> None:
    lease = bring(bench, state, waiting=verb == "refuse" and state in ("queued", "cancelled"))
    assert seen_state(bench, lease) == state
    before = bench.row(lease.job_id)
    wanted = TRANSITIONS.get((state, verb))
    if wanted is None:
        try:
            ACTS[verb](bench, lease)
        except REFUSALS:
            assert verb not in ("claim", "lose", "refuse"), "these find nothing to do and say so by doing nothing"
        assert seen_state(bench, lease) == state
        assert bench.row(lease.job_id)["last_seq"] == before["last_seq"]
    else:
        ACTS[verb](bench, lease)
        assert seen_state(bench, lease) == wanted


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


def test_nothing_but_a_second_cancel_leads_on_from_an_end() -> None:
    leaving = {(state, verb): to for (state, verb), to in TRANSITIONS.items() if state in DONE}
    assert leaving == {("cancelled", "cancel"): "cancelled"}


def test_a_client_is_told_what_it_may_ask() -> None:
    assert {state: allowed(state) for state in STATES} == {
        "queued": ("cancel",),
        "running": ("cancel",),
        "cancelling": (),
        "succeeded": (),
        "failed": (),
        "cancelled": (),
    }

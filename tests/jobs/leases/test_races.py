"""jobs.leases, at the same instant: threads and processes that want one thing, of which one gets it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from jobs import counters
from jobs.errors import CancelledFirstError, InvalidTransitionError, LeaseLostError
from jobs.events import DONE_TYPES, NewEvent
from jobs.leases import Checkpoint, Failed, Succeeded, beat, commit, finish, request_cancel

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

SUCCEEDED = Succeeded(artifacts=(), gate=None, best=None, cost={}, summary={})
REFUSALS = (CancelledFirstError, InvalidTransitionError, LeaseLostError)
TIMES = 12
WORKER = """
import sys
from jobs.database import Database
from jobs.leases import Succeeded, claim, finish
from jobs.slots import SlotIdentity
db = Database.open(sys.argv[1])
slot = SlotIdentity(sys.argv[2], ("cpu",), "landlock")
sys.stdin.read(1)
while taken := claim(db, slot=slot, ttl_seconds=60):
    print(taken.lease.job_id, taken.lease.attempt, flush=True)
    finish(db, taken.lease, outcome=Succeeded((), None, None, {}, {}))
"""


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do all of it at the same instant and give what each gave or was refused with."""
    gate = threading.Barrier(len(acts))

    def do(act: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return act()
        except REFUSALS as refusal:
            return refusal

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(do, acts))


def gap_free(bench: Bench, job_id: str) -> bool:
    return [event["seq"] for event in bench.log(job_id)] == list(range(1, bench.row(job_id)["last_seq"] + 1))


def ends(bench: Bench, job_id: str) -> list[str]:
    return [kind for kind in bench.types(job_id) if kind in DONE_TYPES]


def test_ten_hints_to_three_slots_are_one_execution(bench: Bench) -> None:
    bench.ready()
    job_id = bench.submit()
    taken = at_once([lambda n=n: bench.claim(f"slot-{n % 3}") for n in range(10)])
    assert [t.lease.job_id for t in taken if t] == [job_id]
    assert bench.row(job_id)["attempt"] == 1


def test_slots_that_claim_at_once_get_different_jobs(bench: Bench) -> None:
    bench.ready()
    wanted = {bench.submit() for _ in range(8)}
    taken = at_once([lambda n=n: bench.claim(f"slot-{n}") for n in range(8)])
    assert {t.lease.job_id for t in taken} == wanted


@pytest.mark.processes
def test_processes_that_share_thirty_jobs_run_each_once(bench: Bench) -> None:
    bench.ready()
    wanted = sorted(bench.submit() for _ in range(30))
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, bench.url, f"slot-{n}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for n in range(3)
    ]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.close()  # off they go
    lines: list[bytes] = []
    for worker in workers:
        assert worker.stdout is not None
        lines += worker.stdout.read().splitlines()
        assert worker.wait(60) == 0
        worker.stdout.close()
    assert sorted(line.decode().split()[0] for line in lines) == wanted
    assert {line.split()[1] for line in lines} == {b"1"}
    for job_id in wanted:
        assert ends(bench, job_id) == ["job.succeeded"]


def test_two_sweeps_at_once_strike_once(bench: Bench) -> None:
    lease = bench.running().lease
    bench.expire()
    swept = at_once([bench.sweep] * 4)
    assert sorted(s.requeued for s in swept) == [(), (), (), (lease.job_id,)]
    assert (bench.row(lease.job_id)["strikes"], bench.types(lease.job_id).count("job.worker_lost")) == (1, 1)


def test_a_late_beat_and_a_sweep_agree_on_who_has_the_job(bench: Bench) -> None:
    for _ in range(TIMES):
        lease = bench.running().lease
        bench.expire()
        beaten, swept = at_once([lambda held=lease: beat(bench.db, held, ttl_seconds=60), bench.sweep])
        lost = isinstance(beaten, LeaseLostError)
        assert swept.requeued == ((lease.job_id,) if lost else ())
        assert bench.state(lease.job_id) == ("queued" if lost else "running")
        request_cancel(bench.db, tenant="ada", job_id=lease.job_id)
        bench.expire()
        bench.sweep()


def test_a_cancel_at_the_finish_line_has_one_winner(bench: Bench) -> None:
    for _ in range(TIMES):
        lease = bench.running().lease
        finished, answer = at_once(
            [
                lambda held=lease: finish(bench.db, held, outcome=SUCCEEDED),
                lambda held=lease: request_cancel(bench.db, tenant="ada", job_id=held.job_id),
            ]
        )
        if isinstance(finished, CancelledFirstError):
            assert (answer, bench.state(lease.job_id)) == ("cancelling", "running")
            bench.expire()
            bench.sweep()
            assert ends(bench, lease.job_id) == ["job.cancelled"]
        else:
            assert isinstance(answer, InvalidTransitionError)
            assert ends(bench, lease.job_id) == ["job.succeeded"]
        assert gap_free(bench, lease.job_id)


def test_a_cancel_during_a_takeover_reaches_whoever_has_the_job(bench: Bench) -> None:
    for _ in range(TIMES):
        job_id = bench.running().lease.job_id
        bench.expire()
        *_, taken, answer = at_once(
            [
                bench.sweep,
                lambda: bench.claim("slot-2"),
                lambda wanted=job_id: request_cancel(bench.db, tenant="ada", job_id=wanted),
            ]
        )
        if answer == "cancelled":
            assert taken is None
        elif taken is None:
            bench.sweep()
        else:
            assert beat(bench.db, taken.lease, ttl_seconds=60).cancel_requested
            finish(bench.db, taken.lease, outcome=Failed({"code": "stopped"}))
        assert ends(bench, job_id) == ["job.cancelled"]
        assert gap_free(bench, job_id)


def test_two_attempts_that_commit_at_once_are_one_commit(bench: Bench) -> None:
    stale = bench.running().lease
    bench.expire()
    bench.sweep()
    held = bench.claim("slot-2").lease

    def commit_first(lease: Any) -> int:
        saved = Checkpoint(1, "1" * 64, 10, {}, {})
        told = [NewEvent("job.checkpoint_saved", {"number": 1})]
        return commit(bench.db, lease, events=told, checkpoint=saved)

    refused, *rest = at_once([lambda: commit_first(stale), *[lambda: commit_first(held)] * 5])
    assert isinstance(refused, LeaseLostError)
    assert len(set(rest)) == 1
    assert bench.types(held.job_id).count("job.checkpoint_saved") == 1
    assert gap_free(bench, held.job_id)
    with bench.db.read() as conn:
        assert counters.read(conn, tenant="ada", name=counters.STALE_WRITES_REFUSED) == 1


def test_events_of_many_writers_leave_no_gap(bench: Bench) -> None:
    lease = bench.running().lease
    told = [NewEvent("job.phase", {"phase": "prune"})] * 3
    last = at_once([lambda: commit(bench.db, lease, events=told)] * 8)
    assert sorted(last) == list(range(4, 28, 3))
    assert gap_free(bench, lease.job_id)

"""jobs.leases.claiming, by real processes at once: nobody gets what another has, and everybody's turn comes."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from jobs.tables import attempt, job

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench

pytestmark = pytest.mark.processes

SLOTS = 4
WORKER = """
import sys, time
from sqlalchemy import func, select
from jobs.database import Database
from jobs.leases import Succeeded, claim, finish
from jobs.slots import SlotIdentity
from jobs.tables import job
db = Database.open(sys.argv[1])
slot = SlotIdentity(sys.argv[2], ("cpu",), "landlock")
print("ready", flush=True)
sys.stdin.read()
while taken := claim(db, slot=slot, ttl_seconds=60):
    with db.read() as conn:
        points = (job.c.parent_id == taken.parent_id, job.c.state == "running")
        running = conn.execute(select(func.count()).select_from(job).where(*points)).scalar_one()
    print(taken.lease.job_id, taken.lease.attempt, taken.lease.tenant, running, flush=True)
    time.sleep(0.2)  # longer than a claim takes on a busy machine: jobs run side by side, and turns can be taken
    finish(db, taken.lease, outcome=Succeeded((), None, None, {}, {}))
"""


def claimed(bench: Bench) -> list[list[str]]:
    """Let processes claim and finish until nothing is left, and give what each printed for each claim."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, bench.url, f"slot-{n}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for n in range(SLOTS)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.close()  # off they go, all at once
    lines = []
    for worker in workers:
        assert worker.stdout is not None
        lines += [line.decode().split() for line in worker.stdout.read().splitlines()]
        assert worker.wait(120) == 0
        worker.stdout.close()
    return lines


def test_every_job_is_run_once_and_tenants_take_turns(bench: Bench) -> None:
    for tenant in ("ada", "bob"):
        bench.ready(tenant=tenant)
    wanted = [bench.submit(tenant="ada") for _ in range(40)] + [bench.submit(tenant="bob") for _ in range(10)]
    lines = claimed(bench)
    assert Counter(line[0] for line in lines) == Counter(wanted)
    assert {line[1] for line in lines} == {"1"}
    with bench.db.read() as conn:
        mine = select(attempt.c.tenant).where(attempt.c.slot_kind == "cpu").order_by(attempt.c.started_at)
        turns = conn.execute(mine).scalars().all()
    # Alone in the queue before bob, ada had everything; as equals each gets every other one, give or take the slots.
    assert turns[: 2 * SLOTS].count("bob") >= SLOTS / 2
    assert "bob" not in turns[20 + 2 * SLOTS :]


def test_a_grid_never_has_more_running_than_it_may(bench: Bench) -> None:
    bench.ready()
    grid, *points = [bench.submit() for _ in range(25)]
    limits = {"kind": "grid", "grid": {"axes": {}, "max_parallel": 2, "points": 24}, "children_open": 24}
    with bench.db.write() as conn:
        conn.execute(update(job).where(job.c.id == grid).values(limits))
        conn.execute(update(job).where(job.c.id.in_(points)).values(parent_id=grid, point={}))
    lines = [line for line in claimed(bench) if line[0] != grid]
    assert max(int(line[3]) for line in lines) <= 2
    assert len({line[0] for line in lines}) == len(lines)

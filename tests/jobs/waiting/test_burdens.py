"""jobs.waiting.burdens: what runs is counted by tenant, and a grid is full when as many points run as may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from jobs.tables import job
from jobs.waiting.burdens import is_full, running_now

if TYPE_CHECKING:
    from tests.jobs.conftest import Bench


def test_what_runs_is_counted_by_tenant_and_what_waits_is_not(bench: Bench) -> None:
    for tenant in ("ada", "bob"):
        bench.ready(tenant=tenant)
        bench.submit(tenant=tenant)
    bench.submit(tenant="ada")
    for number in range(2):
        bench.claim(f"slot-{number}")
    with bench.db.read() as conn:
        assert running_now(conn).by_tenant == {"ada": 1, "bob": 1}


@pytest.mark.parametrize(("max_parallel", "full"), [(None, False), (3, False), (2, True), (1, True)])
def test_a_grid_is_full_when_as_many_points_run_as_may(bench: Bench, max_parallel: int | None, full: bool) -> None:
    bench.ready()
    grid, *points = [bench.submit() for _ in range(4)]
    with bench.db.write() as conn:
        limits = {"kind": "grid", "grid": {"axes": {}}, "children_open": 3}
        conn.execute(update(job).where(job.c.id == grid).values(limits))
        conn.execute(update(job).where(job.c.id.in_(points)).values(parent_id=grid, point={}))
    for number in range(2):
        assert bench.claim(f"slot-{number}").parent_id == grid
    with bench.db.write() as conn:
        conn.execute(update(job).where(job.c.id == grid).values(grid={"axes": {}, "max_parallel": max_parallel}))
        assert is_full(conn, grid) is full
        assert running_now(conn).full_grids == ((grid,) if full else ())

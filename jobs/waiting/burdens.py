"""What runs at the moment: how much of each tenant, and which grids may have no more; knows nothing of what waits."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from jobs.tables import job


@dataclass(frozen=True)
class Running:
    """What runs at the moment, which is bounded by the slots there are."""

    by_tenant: Counter[str]
    full_grids: tuple[str, ...]
    """Those that have as many points running as they may."""


def running_now(conn: Connection) -> Running:
    """Count what runs, by tenant, and find the grids that may have no more."""
    columns = (job.c.tenant, job.c.parent_id)
    query = select(*columns, func.count()).where(job.c.state == "running").group_by(*columns)
    by_tenant: Counter[str] = Counter()
    by_grid: Counter[str] = Counter()
    for tenant, grid, count in conn.execute(query):
        by_tenant[tenant] += count
        if grid is not None:
            by_grid[grid] += count
    limits = select(job.c.id, job.c.grid).where(job.c.id.in_(sorted(by_grid))) if by_grid else None
    rows = [] if limits is None else conn.execute(limits).all()
    return Running(by_tenant, tuple(grid for grid, axes in rows if _reaches(by_grid[grid], axes)))


def is_full(conn: Connection, grid_id: str) -> bool:
    """Say whether a grid may have no more points running; locks it, so that nobody starts one at the same instant."""
    axes = conn.execute(select(job.c.grid).where(job.c.id == grid_id).with_for_update()).scalar_one_or_none()
    points = select(func.count()).select_from(job).where(job.c.parent_id == grid_id, job.c.state == "running")
    return _reaches(conn.execute(points).scalar_one(), axes)


def _reaches(running: int, grid: Any) -> bool:
    limit = (grid or {}).get("max_parallel")
    return limit is not None and running >= limit

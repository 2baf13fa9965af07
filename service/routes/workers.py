"""Which workers there are, what each can run and what it is on; starts and stops none."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, select
from starlette.responses import JSONResponse

from jobs import slots
from jobs.tables import job
from service.dependencies import HouseDep, ViewerDep
from service.worker_schemas import WorkerList

router = APIRouter(prefix="/v1/workers", tags=["Workers"])


@router.get("", operation_id="list_workers", summary="Which workers are there?", response_model=WorkerList)
def list_workers(house: HouseDep, viewer: ViewerDep) -> JSONResponse:
    """List every slot, the oldest first; they work for all tenants, and of another tenant's job only `busy` is told."""
    with house.database.read() as conn:
        listed = slots.listed(conn, within_seconds=viewer.slot_seconds)
        mine = _of_tenant(conn, [slot["job"] for slot in listed if slot["job"] is not None], viewer.tenant)
    return JSONResponse({"items": [_shown(slot, mine) for slot in listed], "next_page_token": None})


def _of_tenant(conn: Connection, job_ids: list[str], tenant: str) -> frozenset[str]:
    return frozenset(conn.execute(select(job.c.id).where(job.c.id.in_(job_ids), job.c.tenant == tenant)).scalars())


def _shown(slot: Mapping[str, Any], mine: frozenset[str]) -> dict[str, Any]:
    about = slot["about"]
    known = ("device", "memory_bytes", "threads", "torch", "winnow", "recipe_version", "checkpoint_version")
    same = ("id", "kind", "host", "live", "sandbox", "draining", "blocked", "started_at", "seen_at")
    return {
        **{name: slot[name] for name in same},
        **{name: about.get(name) for name in known},
        "extras": about.get("extras", []),
        "uploads": about.get("uploads", False),
        "busy": slot["job"] is not None,
        "job": slot["job"] if slot["job"] in mine else None,
    }

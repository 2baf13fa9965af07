"""Whether the process lives and whether the service is ready; for probes, not for people."""

from fastapi import APIRouter
from starlette.responses import JSONResponse

from service.dependencies import HouseDep
from service.openapi import problems
from service.problems import Problem
from service.readiness import readiness

router = APIRouter(tags=["Health"])


@router.get("/healthz", operation_id="get_health", summary="Does the process live?")
async def get_health() -> dict[str, str]:
    """Answer; touches neither database nor Redis nor disk."""
    return {"status": "ok"}


@router.get(
    "/readyz", operation_id="get_readiness", summary="Can jobs be taken and run?", responses=problems("not_ready")
)
def get_readiness(house: HouseDep) -> JSONResponse:
    """Look at the database, Redis and the slots, and say at which sandbox level jobs are held."""
    found = readiness(house.database, house.settings)
    if found.missing:
        detail = "; ".join(f"{name}: {what}" for name, what in found.missing.items())
        raise Problem("not_ready", detail, members=found.as_json())
    return JSONResponse({"status": "ready", **found.as_json()})

"""Figures for a monitoring system; for machines, not for people."""

from fastapi import APIRouter, Request
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.responses import Response

router = APIRouter(tags=["Health"])


@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="How is the service doing?",
    response_class=Response,
    responses={200: {"description": "Prometheus' text format.", "content": {"text/plain": {}}}},
)
def get_metrics(request: Request) -> Response:
    """Show queue, slots, leases, levels, bytes and requests; docs/operations.md tells what to watch."""
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_PLAIN_0_0_4)

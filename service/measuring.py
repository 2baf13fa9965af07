"""What each request came to: counted, timed, and one line in the log; changes nothing about it.

Paths are counted by their route, so that ids neither fill the metrics nor appear in them.
"""

import logging
import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs import logs

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
QUIET = ("/healthz", "/readyz", "/metrics", "/static")
"""Probes and files: counted, and not worth a line."""

log = logging.getLogger(__name__)


class RequestMetrics:
    """Counts the requests of this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.answered = Counter(
            "winnow_http_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "winnow_http_request_seconds",
            "Time to the end of the answer, streams and long polls included.",
            ("method", "route"),
            buckets=SECONDS,
            registry=registry,
        )
        self.received = Counter("winnow_http_received_bytes", "Bytes of request bodies.", registry=registry)
        self.sent = Counter("winnow_http_sent_bytes", "Bytes of answers.", registry=registry)


class Measured:
    """ASGI middleware just inside the boundary, which has given the request its id."""

    def __init__(self, app: ASGIApp, *, metrics: RequestMetrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and write down what it came to."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def receive_counting() -> Message:
            message = await receive()
            self.metrics.received.inc(len(message.get("body", b"")))
            return message

        async def send_counting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            self.metrics.sent.inc(len(message.get("body", b"")))
            await send(message)

        with logs.about(request_id=scope.get("state", {}).get("request_id", "")):
            try:
                await self.app(scope, receive_counting, send_counting)
            finally:
                self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route, method = _route(scope), scope["method"]
        if method not in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            method = "other"  # what a stranger makes up is no label
        self.metrics.answered.labels(method, route, str(status)).inc()
        self.metrics.seconds.labels(method, route).observe(seconds)
        if not scope["path"].startswith(QUIET):
            said = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
            log.info("%s %s %d", method, route, status, extra=said)


def _route(scope: Scope) -> str:
    """Name the route that answered; whatever is no route of ours is one name."""
    route = scope.get("route")
    return str(getattr(route, "path", None) or "none")

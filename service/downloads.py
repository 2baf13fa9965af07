"""Bytes on their way out: a blob with its strong ETag, in whole or in part; knows no job."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from service.conditional import names, strong
from service.problems import Problem

Span = tuple[int, int]
"""First and last byte."""
_RANGE = re.compile(r"bytes=\s*(?P<first>[0-9]{0,19})-(?P<last>[0-9]{0,19})\s*")


class BlobResponse(FileResponse):
    """A file whose name is its digest: it never changes, so its ETag is strong and parts of it fit together.

    Args:
        path: Where it lies.
        span: First and last byte wanted; None sends the whole.
        media_type: What it holds.
        headers: With Content-Length and ETag of the whole.
    """

    chunk_size = 1 << 20

    def __init__(self, path: Path, *, span: Span | None, media_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(path, media_type=media_type, headers=headers)
        self.span = span

    def set_stat_headers(self, stat_result: object) -> None:
        """Add nothing: size and ETag are known, and a time would say when the blob came, not when it changed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the bytes; the request's own `Range` was read before and only what came of it counts."""
        headers = [(name, value) for name, value in scope["headers"] if name not in (b"range", b"if-range")]
        if self.span is not None:
            headers.append((b"range", f"bytes={self.span[0]}-{self.span[1]}".encode()))
        await super().__call__({**scope, "headers": headers}, receive, send)


def blob_response(
    request: Request, path: Path, *, sha256: str, size: int, media_type: str, headers: Mapping[str, str]
) -> Response:
    """Answer with a blob, or 304 when the client has it.

    Args:
        request: Its conditions and its range count.
        path: Where the bytes lie.
        sha256: Of the bytes.
        size: Their number.
        media_type: What they are.
        headers: Sent along.

    Raises:
        Problem: `precondition_failed`; `range_not_satisfiable`.
    """
    etag = strong(sha256)
    if_match = request.headers.get("if-match")
    if if_match is not None and not names(if_match, etag):
        raise Problem("precondition_failed", f"expected {etag} in If-Match, got {if_match[:120]}")
    if names(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers={"ETag": etag, **headers})
    wanted = request.headers.get("range") if request.method == "GET" else None
    same = request.headers.get("if-range") in (None, etag)
    span = _span(wanted, size) if wanted is not None and same else None
    digest = base64.b64encode(bytes.fromhex(sha256)).decode()
    return BlobResponse(
        path,
        span=span,
        media_type=media_type,
        headers={
            "ETag": etag,
            "Content-Length": str(size),
            "Repr-Digest": f"sha-256=:{digest}:",
            "Cache-Control": "private, no-cache",
            **headers,
        },
    )


def _span(header: str, size: int) -> Span | None:
    """Read a range; None when the header asks for nothing that is served in part.

    One range is: a request for several gets the whole, as RFC 9110 §14.2 allows.

    Raises:
        Problem: It begins behind the end.
    """
    match = _RANGE.fullmatch(header)
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        suffix = int(match["last"])
        first, last = max(0, size - suffix), size - 1
        if suffix == 0 or size == 0:
            raise _unsatisfiable(header, size)
    else:
        first, last = int(match["first"]), min(int(match["last"] or size - 1), size - 1)
        if first >= size:
            raise _unsatisfiable(header, size)
        if match["last"] and int(match["last"]) < first:
            return None
    return first, last


def _unsatisfiable(header: str, size: int) -> Problem:
    detail = f"expected a range within {size} bytes, got {header[:80]}"
    return Problem("range_not_satisfiable", detail, headers={"Content-Range": f"bytes */{size}"})

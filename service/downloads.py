"""Bytes on their way out: a blob with its strong ETag, in whole or in part; knows no job."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from jobs.blobs import Blobs
from service.conditional import names, strong
from service.problems import Problem

Span = tuple[int, int]
"""First and last byte."""
PIECE_BYTES = 1 << 20
ADDRESS_SECONDS = 900
"""A download that was begun goes on after that."""
_BOUND = ("range", "if-range", "if-match", "if-none-match")
"""What is answered here: a client sends it again to the store, where another ETag holds."""
_RANGE = re.compile(r"bytes=\s*(?P<first>[0-9]{0,19})-(?P<last>[0-9]{0,19})\s*")


class BlobResponse(StreamingResponse):
    """Bytes of a blob, read in a thread a piece at a time, for as long as somebody takes them.

    Args:
        file: The open blob; it is closed at the end.
        span: First and last byte to send.
        headers: With Content-Length and ETag.
    """

    def __init__(self, file: BinaryIO, *, span: Span, status: int, media_type: str, headers: Mapping[str, str]) -> None:
        super().__init__(_pieces(file, span), status, headers, media_type)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the bytes."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()


def _pieces(file: BinaryIO, span: Span) -> Iterator[bytes]:
    """Read a span of an open file; it ends early, and the connection with it, where the file does."""
    file.seek(span[0])
    left = span[1] - span[0] + 1
    while left > 0:
        piece = file.read(min(left, PIECE_BYTES))
        if not piece:
            raise OSError(f"expected {left} more bytes of a blob, got its end")
        left -= len(piece)
        yield piece


def blob_response(
    request: Request,
    blobs: Blobs,
    *,
    sha256: str,
    size: int,
    media_type: str,
    headers: Mapping[str, str],
    sent_away_as: str | None = None,
) -> Response:
    """Answer with a blob, with the address to get it from, or 304 when the client has it.

    Args:
        request: Its conditions and its range count.
        blobs: Where the bytes are kept.
        sha256: Of the bytes.
        size: Their number.
        media_type: What they are.
        headers: Sent along.
        sent_away_as: The client may be sent to the store itself, to save the file under this name. None keeps it here,
            where the headers hold.

    Raises:
        Problem: `precondition_failed`; `range_not_satisfiable`.
    """
    etag = strong(sha256)
    if_match = request.headers.get("if-match")
    if if_match is not None and not names(if_match, etag):
        raise Problem("precondition_failed", f"expected {etag} in If-Match, got {if_match[:120]}")
    if names(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers={"ETag": etag, **headers})
    digest = base64.b64encode(bytes.fromhex(sha256)).decode()
    known = {"ETag": etag, "Repr-Digest": f"sha-256=:{digest}:", **headers}
    if sent_away_as is not None and request.method == "GET" and not any(name in request.headers for name in _BOUND):
        address = blobs.presigned(sha256, seconds=ADDRESS_SECONDS, name=sent_away_as, media_type=media_type)
        if address is not None:
            return Response(status_code=307, headers={"Location": address, **known, "Cache-Control": "no-store"})
    wanted = request.headers.get("range") if request.method == "GET" else None
    same = request.headers.get("if-range") in (None, etag)
    span = _span(wanted, size) if wanted is not None and same else None
    known |= {"Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    if span is not None:
        known["Content-Range"] = f"bytes {span[0]}-{span[1]}/{size}"
    first, last = span or (0, size - 1)
    known["Content-Length"] = str(last - first + 1)
    if request.method == "HEAD":
        return Response(headers=known, media_type=media_type)
    status = 200 if span is None else 206
    return BlobResponse(blobs.open(sha256), span=(first, last), status=status, media_type=media_type, headers=known)


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

"""Small forms that the pages send, read without trusting them; knows no page."""

from urllib.parse import parse_qs

from fastapi import Request

from service.problems import Problem

FORM = "application/x-www-form-urlencoded"
MAX_FORM_BYTES = 8192
_MAX_FIELDS = 10


async def form_of(request: Request) -> dict[str, str]:
    """Read the form a POST carries, each field once; empty for any other request.

    Raises:
        Problem: It is larger than any form of ours, or no form at all.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method != "POST" or kind != FORM:
        return {}
    body = await request.body()
    if len(body) > MAX_FORM_BYTES:
        raise Problem("body_too_large", f"expected a form of at most {MAX_FORM_BYTES} bytes, got {len(body)}")
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise Problem("malformed_request", f"expected a form of at most {_MAX_FIELDS} fields, got none") from None
    return {name: values[0] for name, values in fields.items()}

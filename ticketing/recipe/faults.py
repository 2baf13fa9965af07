"""From what pydantic says of a document to the faults a sender is told; knows no recipe and no model."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ticketing.errors import Fault

BRANCHES = {"sgd", "adam", "adamw", "constant", "milestones", "cosine", "one_cycle", "Step", "constrained-float"}
"""Names pydantic puts into the location of an error inside a union."""


def faults_of(error: ValidationError, *, at: str) -> list[Fault]:
    """Turn a validation error into faults with JSON pointers; never echoes more than a short value."""
    # A default that is made from other fields is missing only where one of those has a fault of its own.
    items = [item for item in error.errors(include_url=False) if item["type"] != "default_factory_not_called"]
    return [fault_of(item, at=at) for item in items]


def fault_of(item: Mapping[str, Any], *, at: str) -> Fault:
    """Turn one entry of a validation error's list into a fault; `at` is put in front of its pointer."""
    kind, context = item["type"], item.get("ctx", {})
    # Discriminated and other unions put the branch's name into the location: it is no part of the document.
    location = [part for part in item["loc"] if not _is_branch(part)]
    pointer = at + "".join(f"/{str(p).replace('~', '~0').replace('/', '~1')}" for p in location)
    if kind == "missing":
        return Fault(pointer, "missing", "expected a value, got none")
    came = repr(item["input"])
    came = came if len(came) <= 80 else came[:77] + "..."
    allowed: tuple[str, ...] | None = None
    if kind in ("literal_error", "union_tag_invalid"):
        words = str(context.get("expected") or context.get("expected_tags"))
        allowed = tuple(w.strip("'\" ") for w in words.replace(" or ", ", ").split(",") if w.strip("'\" "))
    if kind == "union_tag_invalid":
        pointer += "/name"
    if kind == "extra_forbidden":
        return Fault(pointer, "unknown_field", f"no such field: {str(location[-1])[:80]!r}")
    if kind == "value_error":
        return Fault(pointer, "invalid_value", str(context["error"]))
    return Fault(pointer, kind, f"{item['msg']}, got {came}", allowed)


def _is_branch(part: str | int) -> bool:
    return isinstance(part, str) and (part in BRANCHES or "[" in part)

"""Pages of a list that stay put while the list grows: a token names the last row seen, never an offset."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, Self, TypeVar

from sqlalchemy import Select, Table, and_, or_

from ticketing.errors import Fault, RequestError

MAX_PAGE_SIZE = 200
Order = Literal["-created_at", "created_at"]
"""Newest first, or oldest first."""


class Listed(Protocol):
    """What a list holds."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def created_at(self) -> float:
        """When it was made, in seconds since 1970."""


T = TypeVar("T", bound=Listed)


@dataclass(frozen=True)
class PageRequest:
    """Which page is wanted; a size outside 1 to 200 is taken as the nearest bound."""

    size: int = 50
    token: str | None = None
    order: Order = "-created_at"

    @property
    def rows(self) -> int:
        """How many rows a page has at most."""
        return min(max(self.size, 1), MAX_PAGE_SIZE)


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows of a list, and how to ask for those after them."""

    items: Sequence[T]
    next_page_token: str | None

    @classmethod
    def of(cls, rows: Sequence[T], page: PageRequest, *, filters: Mapping[str, Any]) -> Self:
        """Make a page of the rows that a `keyset` query gave: one more than fits tells that there are more."""
        items = rows[: page.rows]
        more = len(rows) > page.rows
        return cls(items, _write(items[-1].created_at, items[-1].id, page, filters) if more else None)


def keyset(query: Select[Any], table: Table, page: PageRequest, *, filters: Mapping[str, Any]) -> Select[Any]:
    """Order a query by time and id, begin it after the token's row, and end it one row after the page.

    Raises:
        RequestError: The token is not one of ours, or is of a list with other filters.
    """
    when, name = table.c.created_at, table.c.id
    newest_first = page.order == "-created_at"
    if page.token is not None:
        at, last = _read(page.token, page, filters)
        # The first bound alone is one an index can begin at; the second says what is left of that very moment.
        within = when <= at if newest_first else when >= at
        beyond = (when < at, name < last) if newest_first else (when > at, name > last)
        query = query.where(and_(within, or_(*beyond)))
    order = (when.desc(), name.desc()) if newest_first else (when, name)
    return query.order_by(*order).limit(page.rows + 1)


def _write(at: float, last: str, page: PageRequest, filters: Mapping[str, Any]) -> str:
    words = json.dumps([at, last, _digest(page, filters)], separators=(",", ":"))
    return base64.urlsafe_b64encode(words.encode()).decode().rstrip("=")


def _read(token: str, page: PageRequest, filters: Mapping[str, Any]) -> tuple[float, str]:
    try:
        padded = token + "=" * (-len(token) % 4)
        at, last, digest = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        at, last = float(at), str(last)
    except (ValueError, TypeError):
        raise _refused("expected a next_page_token of this list, got something else") from None
    if digest != _digest(page, filters):
        raise _refused("expected the filters and order the token was given for, got others")
    return at, last


def _digest(page: PageRequest, filters: Mapping[str, Any]) -> str:
    words = json.dumps([page.order, filters], sort_keys=True, default=str)
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _refused(detail: str) -> RequestError:
    return RequestError(detail, [Fault("/page_token", "invalid_page_token", detail)])

"""How long to wait before asking again; knows headers and chance, sends nothing."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUSES = frozenset({408, 425, 429, 502, 503, 504})
RETRIED_CODES = frozenset({"idempotency_key_in_flight"})
"""Refusals that pass: the answer to an earlier try of the same POST is on its way."""


@dataclass(frozen=True)
class Patience:
    """How often a request is tried, and how long the pauses between grow."""

    attempts: int = 4
    first_seconds: float = 0.25
    longest_seconds: float = 8.0
    longest_asked_seconds: float = 60.0
    """A `Retry-After` beyond this is not slept through: the refusal is handed to the caller."""

    def pause_seconds(
        self, failed: int, *, asked_seconds: float | None = None, chance: Callable[[], float] = random.random
    ) -> float:
        """Say how long to wait after the `failed`-th failure, counted from 1.

        What the service asked for is waited in full, with up to a quarter more so that clients do not come back
        together; otherwise a random share of a pause that doubles (full jitter).
        """
        if asked_seconds is not None:
            return asked_seconds * (1 + chance() / 4)
        return chance() * min(self.longest_seconds, self.first_seconds * 2.0 ** (failed - 1))


WHILE_WAITING = Patience(attempts=30)
"""For a job of hours: a service that restarts is waited for, two minutes on average."""


def asked_seconds(retry_after: str | None, *, now: datetime) -> float | None:
    """Read a `Retry-After` header, a number of seconds or a date; None when it is absent or neither."""
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
        return max(0.0, (moment - now).total_seconds())
    except (TypeError, ValueError):
        return None

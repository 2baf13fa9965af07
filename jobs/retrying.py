"""Doing a whole transaction again that the database itself gave up; knows what is safe to repeat, not what it does."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

AWAY = (OperationalError, InterfaceError, PoolTimeoutError)
"""What is raised while the database cannot be reached, is too busy, or has no room left."""

TRIES = 6
"""Of one transaction, the first one counted."""
GIVE_UP_SECONDS = 20.0
"""After this long it is not tried again."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 1.0
_BUSY, _LOCKED = 5, 6
_FULL, _DISK_FULL = 13, "53100"
_GIVEN_UP = frozenset({"40001", "40P01", "55P03"})
"""PostgreSQL's states: could not be serialized, deadlock, a lock that was not had in time."""

P = ParamSpec("P")
R = TypeVar("R")


def retried(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function again, after a short random pause, when its transaction lost against others.

    For functions that are one transaction from beginning to end: what was given up left nothing behind. A connection
    that broke is another matter, because its transaction may have been committed: that is raised at once.
    """

    @wraps(function)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        for tried in range(1, TRIES):
            try:
                return function(*args, **kwargs)
            except DBAPIError as error:
                pause = _pause(tried)
                if not lost_a_race(error) or time.monotonic() + pause > deadline:
                    raise
                time.sleep(pause)
        return function(*args, **kwargs)

    return again


def lost_a_race(error: BaseException) -> bool:
    """Say whether a transaction was given up, as a whole, only because of others at the same time."""
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return False
    return _code(error) in (_BUSY, _LOCKED, *_GIVEN_UP)


def is_full(error: BaseException) -> bool:
    """Say whether a transaction failed because there is no room left to write it."""
    return isinstance(error, DBAPIError) and _code(error) in (_FULL, _DISK_FULL)


def _code(error: DBAPIError) -> int | str | None:
    """Give what the database calls the error: a number on SQLite, five characters on PostgreSQL."""
    number: int | None = getattr(error.orig, "sqlite_errorcode", None)
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state if number is None else number & 0xFF  # the higher bits say why


def _pause(tried: int) -> float:
    """Give a random pause that grows: those that met once must not meet again."""
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0**tried)
    return random.uniform(0, longest)  # noqa: S311 - nobody gains by guessing it

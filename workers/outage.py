"""Waits for a database that is away and asks again; knows neither jobs nor leases, only when waiting is pointless."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from jobs.errors import LeaseLostError
from jobs.retrying import AWAY

PAUSE_SECONDS = 1.0

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class LeaseLateError(LeaseLostError):
    """The database was away until the lease may have expired: nobody said that the job is somebody else's by now."""


def outlast(
    ask: Callable[[], Answer],
    *,
    too_late: Callable[[], bool],
    pause_seconds: float = PAUSE_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Ask the database until it answers, and give the answer.

    A question that was answered without our hearing of it is asked again: it must bear that, as every fenced write
    does.

    Args:
        ask: One whole transaction.
        too_late: Whether to stop asking; looked at after every failure.
        pause_seconds: Between two questions, give or take a third so that slots do not ask in step.
        sleep: Waits.

    Raises:
        LeaseLateError: It was too late and the database still away.
    """
    told = False
    while True:
        try:
            return ask()
        except AWAY as error:
            if not told:
                _log.warning("the database is away (%s): asking until it is back", type(error).__name__)
                told = True
            if too_late():
                raise LeaseLateError("expected the database to answer in time, but it was away for too long") from error
        sleep(pause_seconds * random.uniform(0.67, 1.33))  # noqa: S311 - spreads load, hides nothing


class Patience:
    """Endless, until somebody is asked to stop: then for so many seconds more.

    Args:
        stop_requested: Whether that has happened.
        seconds: After it was first seen to have happened.
    """

    def __init__(
        self, stop_requested: Callable[[], bool], seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stop_requested = stop_requested
        self._seconds = seconds
        self._clock = clock
        self._asked_at: float | None = None

    def is_over(self) -> bool:
        """Say whether it is time to give up."""
        if self._asked_at is None and self._stop_requested():
            self._asked_at = self._clock()
        return self._asked_at is not None and self._clock() - self._asked_at >= self._seconds

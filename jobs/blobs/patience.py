"""Asking a store on the network again: after growing, random pauses, and not for ever; knows no blob."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError

from jobs.errors import StoreUnavailableError

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


class Patience:
    """Calls something until it answers or `seconds` are over.

    What it calls may have been done although no answer came: it is only given what can be done twice.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __call__(self, verb: str, ask: Callable[[], Answer]) -> Answer:
        """Give the answer.

        Args:
            verb: What the store is to do, for the message.
            ask: Asks once.

        Raises:
            StoreUnavailableError: There was none.
            FileNotFoundError: There is no such object.
            AlreadyExistsError: There is one.
        """
        deadline, longest = time.monotonic() + self._seconds, FIRST_PAUSE_SECONDS
        while True:
            try:
                return ask()
            except AlreadyExistsError:
                raise
            except (PermissionDeniedError, UnauthenticatedError) as error:
                raise _given_up(verb, error) from None
            except (BaseError, ConnectionError, TimeoutError) as error:
                # Drawn from nothing to the longest: clients that failed together do not come back together.
                pause = random.uniform(0, longest)  # noqa: S311 - spreads load, hides nothing
                if time.monotonic() + pause >= deadline:
                    raise _given_up(verb, error) from None
                _log.warning("the store did not %s, asked again in %.1f s: %s", verb, pause, error)
            time.sleep(pause)
            longest = min(2 * longest, LONGEST_PAUSE_SECONDS)

    def once(self, verb: str, ask: Callable[[], Answer]) -> Answer:
        """Give the answer to what cannot be asked twice, under the same errors."""
        try:
            return ask()
        except BaseError as error:
            raise _given_up(verb, error) from None


def _given_up(verb: str, error: Exception) -> StoreUnavailableError:
    _log.error("the store did not %s: %s", verb, error)
    return StoreUnavailableError(f"expected the store to {verb}, got {type(error).__name__}")

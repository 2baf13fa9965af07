"""What can go wrong with a tracked job; the edge maps each class to a status, this file knows none.

WinnowError
├── NotFoundError            no such thing for this tenant
├── InvalidTransitionError   the job's state does not allow what was asked
├── LeaseLostError           another attempt, or nobody, holds the job now: write nothing more
├── CancelledFirstError      a cancel was answered before the job could succeed
├── KeyReusedError           one Idempotency-Key, two different bodies
├── KeyInFlightError         the first request with this Idempotency-Key has not been answered yet
├── SchemaError              the database was made by a newer program
└── RequestError
    ├── DigestError          the bytes are not those that were announced
    └── TooLargeError        more bytes than are accepted
"""

from collections.abc import Sequence

from ticketing.errors import RequestError, WinnowError


class NotFoundError(WinnowError):
    """There is no such thing for this tenant; another tenant's is told no differently."""

    code = "not_found"


class InvalidTransitionError(WinnowError):
    """The job's state does not allow what was asked."""

    code = "invalid_transition"

    def __init__(self, verb: str, state: str, allowed: Sequence[str]) -> None:
        possible = ", ".join(allowed) or "nothing"
        super().__init__(f"expected a state that allows {verb}, got {state}, which allows {possible}")
        self.state = state
        self.allowed = tuple(allowed)


class LeaseLostError(WinnowError):
    """The lease is no longer held: whoever gets this stops its trainer and writes nothing more."""

    code = "lease_lost"


class CancelledFirstError(WinnowError):
    """A cancel was answered before the job could succeed, so it wins: finish with `Cancelled`."""

    code = "cancelled_first"


class KeyReusedError(WinnowError):
    """The Idempotency-Key was used for another body."""

    code = "idempotency_key_reused"


class KeyInFlightError(WinnowError):
    """The first request with this Idempotency-Key has not been answered yet."""

    code = "idempotency_key_in_flight"


class SchemaError(WinnowError):
    """The database holds a schema that this program does not know."""

    code = "schema_unknown"


class DigestError(RequestError):
    """The bytes are not those that were announced."""

    code = "digest_mismatch"


class TooLargeError(RequestError):
    """More bytes than are accepted."""

    code = "too_large"

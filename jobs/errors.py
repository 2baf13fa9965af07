"""What can go wrong with a tracked job; the edge maps each class to a status, this file knows none.

WinnowError
├── NotFoundError            no such thing for this tenant
├── InvalidTransitionError   the job's state does not allow what was asked
├── PartOfGridError          a child of a grid goes with it and not by itself
├── LevelNotKeptError        no checkpoint holds the level that was asked for
├── LeaseLostError           another attempt, or nobody, holds the job now: write nothing more
├── CancelledFirstError      a cancel was answered before the job could succeed
├── KeyReusedError           one Idempotency-Key, two different bodies
├── KeyInFlightError         the first request with this Idempotency-Key has not been answered yet
├── SchemaError              the database was made by a newer program
├── HoldTakenError           somebody else has the right to do this alone, for now
├── BackupError              a backup that cannot be made, or is not whole
├── StoreUnavailableError    the store of bytes did not answer, though asked several times
├── BlobMissingError         bytes that the database names are not in their store
├── BlobDamagedError         bytes in the store are not those of their name
├── KeyRefusedError          an API key is unknown, expired or revoked
├── KeyStateError            an API key's state does not allow what the operator asked
└── RequestError
    ├── TextError            text that no database can keep
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


class PartOfGridError(WinnowError):
    """A child of a grid cannot be deleted by itself."""

    code = "part_of_grid"


class LevelNotKeptError(WinnowError):
    """No checkpoint of the job holds the level that was asked for."""

    code = "level_not_kept"


class LeaseLostError(WinnowError):
    """The lease is no longer held: whoever gets this stops its trainer and writes nothing more."""

    code = "lease_lost"


class CancelledFirstError(WinnowError):
    """A cancel was answered before the job could succeed, so it wins: finish with `Stopped`."""

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


class KeyRefusedError(WinnowError):
    """The API key is unknown, expired or revoked."""

    code = "key_refused"

    def __init__(self, detail: str, *, key_id: str | None = None) -> None:
        super().__init__(detail)
        self.key_id = key_id
        """Of the key, where it is known."""


class KeyStateError(WinnowError):
    """The API key's state does not allow what the operator asked."""

    code = "key_state"


class HoldTakenError(WinnowError):
    """Somebody else has the right to do this alone, for now."""

    code = "hold_taken"


class BackupError(WinnowError):
    """A backup that cannot be made, or one that is not whole."""

    code = "backup_refused"


class StoreUnavailableError(WinnowError):
    """The store of bytes did not answer, though it was asked several times: what was to be kept there is not."""

    code = "store_unavailable"


class BlobMissingError(WinnowError):
    """Bytes that the database names are not in their store."""

    code = "blob_missing"

    def __init__(self, sha256: str) -> None:
        super().__init__(f"expected the bytes with sha256 {sha256} in the store, got none")


class BlobDamagedError(WinnowError):
    """Bytes in the store are not those of their name."""

    code = "blob_damaged"


class TextError(RequestError):
    """Text that no database can keep."""

    code = "unstorable_text"


class DigestError(RequestError):
    """The bytes are not those that were announced."""

    code = "digest_mismatch"


class TooLargeError(RequestError):
    """More bytes than are accepted."""

    code = "too_large"

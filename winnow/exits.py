"""What the command's exit code says; pipelines branch on it, so no meaning ever changes."""

from enum import IntEnum

from winnow.errors import (
    ClientError,
    DigestError,
    Json,
    KeyRefusedError,
    ProblemError,
    RateLimitError,
    ServiceError,
    WaitTimeoutError,
)


class Exit(IntEnum):
    """The codes, as `docs/client.md` lists them."""

    DONE = 0
    TRANSPORT = 1
    INVALID = 2
    TIMED_OUT = 3
    KEY = 4
    FAILED = 5
    GATE_MISSED = 6
    DIGEST = 7
    CANCELLED = 8
    QUOTA = 9
    INTERRUPTED = 130


def exit_of_job(job: Json) -> Exit:
    """Say how a done job ended; one that is not done is no outcome yet, `TIMED_OUT`."""
    if not job.get("done"):
        return Exit.TIMED_OUT
    if job["state"] == "cancelled":
        return Exit.CANCELLED
    if job["state"] != "succeeded":
        return Exit.FAILED
    return Exit.GATE_MISSED if gate_outcome(job) == "missed" else Exit.DONE


def gate_outcome(job: Json) -> str | None:
    """Give `passed`, `missed` or `pending`; None when the job has no gates."""
    gate = job.get("gate")
    return str(gate["outcome"]) if gate else None


def exit_of_error(error: ClientError) -> Exit:
    """Say which code an error of the client stands for."""
    match error:
        case WaitTimeoutError():
            return Exit.TIMED_OUT
        case DigestError():
            return Exit.DIGEST
        case KeyRefusedError():
            return Exit.KEY
        case RateLimitError():
            return Exit.QUOTA
        case ServiceError():
            return Exit.TRANSPORT
        case ProblemError():
            return Exit.INVALID
        case _:
            return Exit.TRANSPORT

"""The one tree of errors a caller of the service meets; knows statuses and problem bodies, not how bytes travel.

WinnowError                    (ticketing.errors)
└── ClientError
    ├── TransportError         nothing answered in the time given, or what answered is no Winnow
    ├── ProblemError           the service refused: `code`, `faults` with JSON pointers, `request_id`
    │   ├── InvalidRequestError    400 413 415 422 and any other 4xx: what was sent is wrong
    │   ├── NotFoundError          404: no such job, model, dataset, artifact
    │   ├── ConflictError          409: not in this state; `allowed` says what is
    │   ├── KeyRefusedError        401 403: key missing, unknown, or too narrow
    │   ├── RateLimitError         429: a quota or a rate is used up
    │   └── ServiceError           5xx: the service could not answer; retried before it is raised
    ├── WaitTimeoutError       waiting ended, the job goes on
    └── DigestError            bytes that are not the bytes their sha256 names
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ticketing.errors import Fault, WinnowError

Json = dict[str, Any]


class ClientError(WinnowError):
    """Everything the client raises on purpose."""

    code: ClassVar[str] = "client_error"


class TransportError(ClientError):
    """Nothing answered in the time given, or what answered is no Winnow."""

    code = "transport_failed"


class WaitTimeoutError(ClientError):
    """Waiting ended before the job did; the job goes on."""

    code = "wait_timed_out"

    def __init__(self, detail: str, job: Json) -> None:
        super().__init__(detail)
        self.job = job


class DigestError(ClientError):
    """Bytes came that are not the bytes their sha256 names."""

    code = "digest_mismatch"


class ProblemError(ClientError):
    """The service answered with a problem (RFC 9457)."""

    code = "problem"

    def __init__(self, status: int, problem: Mapping[str, Any], *, retry_after_seconds: float | None = None) -> None:
        self.status = status
        self.problem = dict(problem)
        self.word = str(problem.get("code") or self.code)
        """What pipelines branch on; `code` of the problem body."""
        self.faults = tuple(_faults(problem.get("errors")))
        self.allowed = tuple(str(word) for word in problem.get("allowed") or ())
        self.request_id = problem.get("request_id")
        self.retry_after_seconds = retry_after_seconds
        detail = str(problem.get("detail") or problem.get("title") or f"status {status}")
        lines = [_line(fault) for fault in self.faults if not _says(detail, fault)]
        super().__init__("\n".join([f"{self.word}: {detail}", *lines]))


class InvalidRequestError(ProblemError):
    """What was sent is wrong; `faults` point at the fields."""


class NotFoundError(ProblemError):
    """No such job, model, dataset or artifact."""


class ConflictError(ProblemError):
    """The thing is in another state than the request needs."""


class KeyRefusedError(ProblemError):
    """The key is missing, unknown, or too narrow."""


class RateLimitError(ProblemError):
    """A quota or a rate is used up."""


class ServiceError(ProblemError):
    """The service could not answer."""


_BY_STATUS: dict[int, type[ProblemError]] = {
    401: KeyRefusedError,
    403: KeyRefusedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}

_NOT_THE_KEY = ("host_not_allowed", "cross_site_refused")
"""A 403 that no other key would change."""


def problem_error(status: int, body: Any, *, retry_after_seconds: float | None = None) -> ProblemError:
    """Make the error that a refusing answer stands for; a body that is no problem object still gives one."""
    problem = body if isinstance(body, dict) else {"detail": f"status {status} without a problem body"}
    kind = _BY_STATUS.get(status, ServiceError if status >= 500 else InvalidRequestError)
    if problem.get("code") in _NOT_THE_KEY:
        kind = InvalidRequestError
    return kind(status, problem, retry_after_seconds=retry_after_seconds)


def _faults(errors: Any) -> Sequence[Fault]:
    items = [item for item in errors if isinstance(item, dict)] if isinstance(errors, list) else []
    return [
        Fault(
            pointer=str(item.get("pointer", "")),
            code=str(item.get("code", "")),
            detail=str(item.get("detail", "")),
            allowed=tuple(str(word) for word in item["allowed"]) if item.get("allowed") else None,
        )
        for item in items
    ]


def _says(detail: str, fault: Fault) -> bool:
    """Tell whether the first line says all that this fault would say again."""
    return fault.allowed is None and detail == f"{fault.pointer}: {fault.detail}"


def _line(fault: Fault) -> str:
    choice = f" (allowed: {', '.join(fault.allowed)})" if fault.allowed else ""
    return f"  {fault.pointer or '/'}: {fault.detail}{choice}"

"""How an attempt ends: succeeded with artifacts, failed, or cancelled; a cancel that was answered before it wins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping

from jobs import grants
from jobs.blobs import Stored
from jobs.clock import db_now, now
from jobs.database import Database
from jobs.errors import CancelledFirstError, InvalidTransitionError
from jobs.events import NewEvent, append
from jobs.leases.lease import Lease, fenced, leave_running, update_held
from jobs.leases.requeueing import end, strike_out
from jobs.tables import artifact


@dataclass(frozen=True)
class NewArtifact:
    """A named file a job made, whose bytes are a blob already."""

    name: str
    sha256: str
    bytes: int
    media_type: str = "application/octet-stream"
    level: int | None = None


@dataclass(frozen=True)
class Succeeded:
    """The job is done: everything it made was stored and verified."""

    artifacts: Sequence[NewArtifact]
    gate: Mapping[str, Any] | None
    """As `gates.evaluate` gives it."""
    best: Mapping[str, Any] | None
    cost: Mapping[str, Any]
    """`used_flops`."""
    summary: Mapping[str, Any]
    """Of the run's `finished` event."""
    stop_reason: str | None = None
    """Why it stopped early by design."""


@dataclass(frozen=True)
class Failed:
    """The attempt ended without a result; `retry` says whether trying again may end otherwise."""

    error: Mapping[str, Any]
    """`code` and `detail`."""
    retry: bool = False


@dataclass(frozen=True)
class Cancelled:
    """The run was stopped because a cancel was requested."""


Outcome = Succeeded | Failed | Cancelled


def finish(
    db: Database,
    lease: Lease,
    *,
    outcome: Outcome,
    events: Sequence[NewEvent] = (),
    retry_delay_seconds: float = 5.0,
) -> None:
    """End an attempt: the run's last events, then `artifact.ready` for each artifact, `gate` and the job's last event.

    A failure is a strike when it may be retried. Whatever failed after a cancel was requested is cancelled.

    Raises:
        LeaseLostError: The job is somebody else's by now; nothing was written.
        CancelledFirstError: It would have succeeded, but a cancel was answered before; nothing was written.
        InvalidTransitionError: Cancelled without anybody having asked for it.
    """
    with fenced(db, lease) as conn:
        row = update_held(conn, lease)
        cancelled = row["cancel_requested"] is not None
        if isinstance(outcome, Succeeded) and cancelled:
            raise CancelledFirstError(f"expected no cancel of {lease.job_id}, but one was answered before it was done")
        if isinstance(outcome, Cancelled) and not cancelled:
            raise InvalidTransitionError("stop", "running", ())
        append(conn, job_id=lease.job_id, events=events)
        if isinstance(outcome, Succeeded):
            _succeed(conn, lease, row, outcome)
        elif isinstance(outcome, Cancelled) or cancelled:
            end(conn, row, state="cancelled")
        else:
            _fail(conn, row, outcome, retry_delay_seconds)


def _succeed(conn: Connection, lease: Lease, row: RowMapping, outcome: Succeeded) -> None:
    for made in outcome.artifacts:
        grants.record(conn, tenant=lease.tenant, stored=Stored(made.sha256, made.bytes))
    rows = [
        {
            **vars(made),
            "job_id": lease.job_id,
            "tenant": lease.tenant,
            "attempt": lease.attempt,
            "created_at": now(conn),
        }
        for made in outcome.artifacts
    ]
    if rows:
        conn.execute(artifact.insert(), rows)
    leave_running(
        conn,
        lease.job_id,
        state="succeeded",
        finished_at=db_now(),
        reason=None,
        stop_reason=outcome.stop_reason,
        gate=None if outcome.gate is None else dict(outcome.gate),
        best=None if outcome.best is None else dict(outcome.best),
        summary=dict(outcome.summary),
        used_flops=outcome.cost.get("used_flops"),
        progress={**row["progress"], "fraction": 1.0},
    )
    append(conn, job_id=lease.job_id, events=[*_ready(outcome.artifacts), *_last(outcome)])


def _ready(artifacts: Sequence[NewArtifact]) -> list[NewEvent]:
    return [NewEvent("artifact.ready", vars(made)) for made in artifacts]


def _last(outcome: Succeeded) -> list[NewEvent]:
    """Tell the gate before the end, so that whoever waits for the end knows it by then."""
    gate = outcome.gate
    told = [] if gate is None else [NewEvent("job.gate", gate, "info" if gate["outcome"] == "passed" else "warning")]
    return [*told, NewEvent("job.succeeded", {"summary": dict(outcome.summary), "stop_reason": outcome.stop_reason})]


def _fail(conn: Connection, row: RowMapping, outcome: Failed, retry_delay_seconds: float) -> None:
    if outcome.retry:
        reason = str(outcome.error.get("code", "failed"))
        strike_out(conn, row, reason=reason, retry_delay_seconds=retry_delay_seconds)
    else:
        end(conn, row, state="failed", error=dict(outcome.error))

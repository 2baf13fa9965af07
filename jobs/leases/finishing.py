"""How an attempt ends: succeeded with artifacts, failed, or stopped; a cancel that was answered before it wins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping

from jobs import grants
from jobs.blobs import Stored
from jobs.clock import now
from jobs.database import Database
from jobs.errors import CancelledFirstError
from jobs.events import NewEvent, append
from jobs.leases.ending import Retain, end, for_good
from jobs.leases.lease import Lease, fenced, update_held
from jobs.leases.pausing import RESUMED
from jobs.leases.requeueing import give_back, strike_out
from jobs.retrying import retried
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
class Stopped:
    """The run was stopped because orders said so; which of them still counts, the database decides."""


Outcome = Succeeded | Failed | Stopped


@retried
def finish(
    db: Database,
    lease: Lease,
    *,
    outcome: Outcome,
    events: Sequence[NewEvent] = (),
    retry_delay_seconds: float = 5.0,
    retain: Retain = for_good,
) -> None:
    """End an attempt: the run's last events, then `artifact.ready` for each artifact, `gate` and the job's last event.

    A failure is a strike when it may be retried. Whatever failed after a cancel was requested is cancelled. What was
    stopped is cancelled, paused, or back in the queue, as was asked for last.

    Args:
        db: The database.
        lease: Of the attempt.
        outcome: How it ended.
        events: Written first.
        retry_delay_seconds: Before the attempt that follows a second strike.
        retain: How long a job that ends here is kept.

    Raises:
        LeaseLostError: The job is somebody else's by now; nothing was written.
        CancelledFirstError: It would have succeeded, but a cancel was answered before; nothing was written.
    """
    with fenced(db, lease) as conn:
        row = update_held(conn, lease)
        cancelled = row["cancel_requested"] is not None
        if isinstance(outcome, Succeeded) and cancelled:
            raise CancelledFirstError(f"expected no cancel of {lease.job_id}, but one was answered before it was done")
        append(conn, job_id=lease.job_id, events=events)
        if isinstance(outcome, Succeeded):
            _succeed(conn, lease, row, outcome, retain)
        elif isinstance(outcome, Stopped):
            give_back(conn, row, reason=RESUMED, retain=retain)
        elif cancelled:
            end(conn, row, state="cancelled", retain=retain)
        elif outcome.retry:
            reason = str(outcome.error.get("code", "failed"))
            strike_out(conn, row, reason=reason, retry_delay_seconds=retry_delay_seconds, retain=retain)
        else:
            end(conn, row, state="failed", retain=retain, error=outcome.error)


def _succeed(conn: Connection, lease: Lease, row: RowMapping, outcome: Succeeded, retain: Retain) -> None:
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
    end(
        conn,
        row,
        state="succeeded",
        retain=retain,
        told=_told(outcome),
        data={"summary": dict(outcome.summary), "stop_reason": outcome.stop_reason},
        stop_reason=outcome.stop_reason,
        gate=None if outcome.gate is None else dict(outcome.gate),
        best=None if outcome.best is None else dict(outcome.best),
        summary=dict(outcome.summary),
        used_flops=outcome.cost.get("used_flops"),
        progress={**row["progress"], "fraction": 1.0},
    )


def _told(outcome: Succeeded) -> list[NewEvent]:
    """Tell what can be downloaded, then the gate: whoever waits for the end knows it by then."""
    gate, ready = outcome.gate, [NewEvent("artifact.ready", vars(made)) for made in outcome.artifacts]
    if gate is None:
        return ready
    return [*ready, NewEvent("job.gate", gate, "info" if gate["outcome"] == "passed" else "warning")]

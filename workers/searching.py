"""A search from its claim to its outcome: run, collect, verify, finish. Knows no process and no SQL."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs import gates
from jobs.errors import CancelledFirstError
from jobs.leases import NewArtifact, Stopped, Succeeded
from ticketing import folder as names
from ticketing.errors import VerificationError
from ticketing.folder import Event
from workers.attempt import WRITABLE
from workers.inbox import collect, collect_all
from workers.ledger import Ledger
from workers.protocol import ProtocolViolationError
from workers.settling import settle
from workers.supervisor import Ending
from workers.work import Work

FINAL = ("finished", "failed", "overrun", "exhausted")
"""Endings after which there is no other attempt."""


def search(work: Work) -> None:
    """Run a search in a child, store and verify what it made, and write how it ended.

    Raises:
        LeaseLostError: The job is somebody else's by now; nothing was written after that.
    """
    ledger = Ledger()

    def take(event: Event) -> None:
        if event.type == "progress":
            work.heart.show(event.data)
        if event.type == "checkpoint_saved" and not os.path.lexists(_checkpoints(work) / event.data["file"]):
            return  # dropped for a newer one, which this worker has yet to read of and which carries the same facts
        if (entry := ledger.take(event)) is not None:
            if entry.checkpoint is not None:
                _store_checkpoint(work, entry.checkpoint)
            work.commit(entry, ledger)

    ending = work.execute("run", purpose="search", writes=WRITABLE, take=take)
    cancelled = work.heart.orders.cancel_requested
    artifacts: list[NewArtifact] = []
    if ending.kind == "finished":
        artifacts, ending = ([], Ending("stopped")) if cancelled else _store_outputs(work, ending)
    if ending.kind in FINAL or (ending.kind == "stopped" and cancelled):
        work.commit(ledger.rest(), ledger)  # facts after the last checkpoint: no attempt will come to them again
    if ending.kind == "finished":
        _succeed(work, artifacts, ending.data["summary"])
    else:
        settle(work, ending)


def _store_checkpoint(work: Work, told: Mapping[str, Any]) -> None:
    """Make a blob of a checkpoint; the row that names it comes after."""
    limit = work.equipment.settings.max_blob_bytes
    stored = collect(
        _checkpoints(work), told["file"], sha256=told["sha256"], blobs=work.equipment.blobs, max_bytes=limit
    )
    if stored.bytes != told["bytes"]:
        raise ProtocolViolationError(f"expected a checkpoint of {told['bytes']} bytes, got {stored.bytes}")


def _checkpoints(work: Work) -> Path:
    return work.folder / names.CHECKPOINTS


def _store_outputs(work: Work, ending: Ending) -> tuple[list[NewArtifact], Ending]:
    """Make blobs of what a finished run announced, and have a second child load it back."""
    kit = work.equipment
    try:
        out, limit = work.folder / names.OUT, kit.settings.max_blob_bytes
        artifacts = collect_all(out, ending.data["files"], blobs=kit.blobs, max_bytes=limit)
    except ProtocolViolationError as error:
        return [], Ending("violated", str(error))
    verified = work.execute("verify", purpose="verify", writes=(names.TMP,), take=_pass_over)
    if verified.kind != "finished":
        return [], verified
    stored = {artifact.name: artifact.sha256 for artifact in artifacts}
    if different := [name for name, sha256 in verified.data["files"].items() if stored.get(name) != sha256]:
        detail = f"expected what was stored to read back, but these differ: {', '.join(different[:5])}"
        return [], Ending("failed", detail, {"code": VerificationError.code})
    return artifacts, ending


def _pass_over(event: Event) -> None:
    """Keep nothing of what a verifying run says on its way."""


def _succeed(work: Work, artifacts: list[NewArtifact], summary: Mapping[str, Any]) -> None:
    outcome = Succeeded(
        artifacts=artifacts,
        gate=gates.evaluate(work.claim.gates, summary),
        best=summary.get("best"),
        cost={"used_flops": summary.get("flops")},
        summary=summary,
    )
    try:
        work.finish(outcome)
    except CancelledFirstError:
        work.finish(Stopped())

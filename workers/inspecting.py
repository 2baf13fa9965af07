"""An inspection from its claim to its outcome: an upload becomes ready or is refused. Knows no process and no SQL."""

import json
from collections.abc import Mapping

from jobs import leases
from jobs.blobs import Stored
from jobs.leases import Claim
from ticketing import folder as names
from ticketing.architectures import inventory
from ticketing.folder import Event
from workers.attempt import inspects_data
from workers.inbox import collect
from workers.protocol import ProtocolViolationError
from workers.settling import settle
from workers.supervisor import Ending, Kind
from workers.work import Work

REFUSALS: Mapping[Kind, str] = {
    "failed": "failed",
    "violated": "protocol_violation",
    "exhausted": "out_of_memory",
}
"""Endings that refuse an upload, with the code where the run told none."""


def inspect(work: Work) -> tuple[str, ...]:
    """Have a child look at an upload, and write what it found; give the kinds of slot this may have given work.

    Raises:
        LeaseLostError: The inspection is somebody else's by now; nothing was written.
    """
    looks_at_data = inspects_data(work.claim)
    writes = (names.TMP, "data") if looks_at_data else (names.TMP,)
    ending = work.execute("inspect", purpose="inspect", writes=writes, take=_pass_over)
    canonical: Stored | None = None
    if ending.kind == "finished":
        ending = _believed(ending, work.claim)
    if ending.kind == "finished" and looks_at_data:
        try:
            canonical = _store_canonical(work, ending)
        except ProtocolViolationError as error:
            ending = Ending("violated", str(error))
    database, lease, retain = work.equipment.database, work.claim.lease, work.equipment.settings.retain_seconds
    if ending.kind == "finished":
        found = ending.data
        return work.write(
            lambda: leases.finish_inspection(database, lease, ready=found, canonical=canonical, retain=retain)
        )
    if ending.kind in REFUSALS:
        refused = {"code": ending.data.get("code", REFUSALS[ending.kind]), "detail": ending.detail}
        return work.write(lambda: leases.finish_inspection(database, lease, refused=refused, retain=retain))
    settle(work, ending)
    return ()


def _pass_over(event: Event) -> None:
    """Keep nothing of what an inspecting run says on its way: its last event holds all it found."""


def _believed(ending: Ending, claim: Claim) -> Ending:
    """Take what an inspection found only if it can be true: plans are made of it, and a file may have spoken."""
    if claim.model is None:
        told = ending.data.get("summary") is not None
        return ending if told else Ending("violated", "expected the inspection to tell the summary, got none")
    expected = inventory(claim.model.architecture, claim.model.arguments).as_json()
    if ending.data.get("inventory") != json.loads(json.dumps(expected)):
        return Ending("violated", "expected the inventory of the declared architecture, got another")
    return ending


def _store_canonical(work: Work, ending: Ending) -> Stored:
    """Make a blob of the dataset as runs will read it."""
    kit = work.equipment
    return collect(work.folder, names.DATA, sha256=None, blobs=kit.blobs, max_bytes=kit.settings.max_blob_bytes)

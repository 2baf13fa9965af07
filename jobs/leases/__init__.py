"""Who may run a job and write its results: claimed for a time, renewed, outdated by the next attempt.

claiming ── a slot takes a job         committing ── facts and a checkpoint, once
lease    ── the right, renewed         finishing  ── the attempt's end
requeueing ─ given back, or lost       inspecting ── an inspection's end, and who waited for it
cancelling ─ a client's wish, which wins once it was answered
"""

from jobs.leases.cancelling import request_cancel
from jobs.leases.claiming import Claim, claim, claimable
from jobs.leases.committing import Checkpoint, NewLevel, commit
from jobs.leases.finishing import Cancelled, Failed, NewArtifact, Outcome, Succeeded, finish
from jobs.leases.inspecting import finish_inspection
from jobs.leases.lease import Lease, Orders, beat
from jobs.leases.requeueing import MAX_STRIKES, release

__all__ = [
    "MAX_STRIKES",
    "Cancelled",
    "Checkpoint",
    "Claim",
    "Failed",
    "Lease",
    "NewArtifact",
    "NewLevel",
    "Orders",
    "Outcome",
    "Succeeded",
    "beat",
    "claim",
    "claimable",
    "commit",
    "finish",
    "finish_inspection",
    "release",
    "request_cancel",
]

"""Who may run a job and write its results: claimed for a time, renewed, outdated by the next attempt.

claiming ── a slot takes a job         committing ── facts and a checkpoint, once
lease    ── the right, renewed         finishing  ── the attempt's end
requeueing ─ given back, or lost       inspecting ── an inspection's end, and who waited for it
cancelling, pausing ─ a client's wish; a cancel wins once it was answered
recalling ─ an operator's wish         ending ── the one road to an end
moving ── what every move has in common
"""

from jobs.leases.cancelling import request_cancel
from jobs.leases.claiming import Claim, claim, has_work
from jobs.leases.committing import Checkpoint, NewLevel, commit
from jobs.leases.ending import Retain, for_good
from jobs.leases.finishing import Failed, NewArtifact, Outcome, Stopped, Succeeded, finish
from jobs.leases.inspecting import finish_inspection
from jobs.leases.lease import Lease, Orders, beat
from jobs.leases.pausing import request_pause, request_resume
from jobs.leases.recalling import requeue
from jobs.leases.requeueing import MAX_STRIKES, release

__all__ = [
    "MAX_STRIKES",
    "Checkpoint",
    "Claim",
    "Failed",
    "Lease",
    "NewArtifact",
    "NewLevel",
    "Orders",
    "Outcome",
    "Retain",
    "Stopped",
    "Succeeded",
    "beat",
    "claim",
    "commit",
    "finish",
    "finish_inspection",
    "for_good",
    "has_work",
    "release",
    "request_cancel",
    "request_pause",
    "request_resume",
    "requeue",
]

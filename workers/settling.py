"""What becomes of a job whose run did not finish: given back, struck, failed, stopped; knows no process."""

from jobs.leases import Failed, Stopped
from workers.standing import DISK_FULL
from workers.supervisor import Ending
from workers.work import Work

WORKER_LOST, STALLED, DRAINED, LEASE_LATE = "worker_lost", "stalled", "drained", "lease_late"


def settle(work: Work, ending: Ending) -> None:
    """Write what the ending of a run means for its job; not for one that finished.

    Raises:
        LeaseLostError: The job is somebody else's by now; nothing was written.
    """
    match ending.kind:
        case "lost":
            # Refused means that another holds it. Merely late, the job goes back without a strike, if it is still ours.
            if not work.heart.refused:
                work.release(LEASE_LATE, strike=False)
        case "drained":
            work.release(DRAINED, strike=False)
        case "crashed":
            work.release(DISK_FULL if ending.no_room else WORKER_LOST, strike=True)
        case "stalled":
            work.release(STALLED, strike=True)
        case "stopped":
            work.finish(Stopped())
        case "overrun":
            detail = "the run had used up the seconds it may run, all attempts together, and was stopped"
            work.finish(Failed({"code": "running_time_exceeded", "detail": detail}))
        case "exhausted":
            work.finish(Failed({"code": "out_of_memory", "detail": ending.detail}))
        case "violated":
            work.finish(Failed({"code": "protocol_violation", "detail": ending.detail}))
        case _:
            work.finish(Failed({"code": ending.data.get("code", "failed"), "detail": ending.detail}))

"""One slot: claims until nothing is claimable and carries each job through; knows no Celery and no signals."""

import logging
from collections.abc import Callable

from jobs import leases, logs
from jobs.errors import LeaseLostError, StoreUnavailableError
from jobs.leases import Claim
from jobs.retrying import AWAY
from jobs.slots import SlotIdentity
from workers.inspecting import inspect
from workers.outage import LeaseLateError, Patience, outlast
from workers.searching import search
from workers.settling import LEASE_LATE, WORKER_LOST
from workers.standing import DISK_FULL, is_want_of_room
from workers.work import Equipment, Work, begun, give_back

_log = logging.getLogger(__name__)


class Slot:
    """Runs one job at a time, in the thread that calls `look`, which must be the main one.

    Args:
        hint: Tells slots of a kind that there may be work for them; may do nothing.
        may_claim: Whether the slot may take a job at this moment.
    """

    def __init__(
        self,
        identity: SlotIdentity,
        equipment: Equipment,
        *,
        hint: Callable[[str], None],
        may_claim: Callable[[], bool] = lambda: True,
    ) -> None:
        self.identity = identity
        self._may_claim = may_claim
        self._equipment = equipment
        self._hint = hint
        self._work: Work | None = None
        self._looking = False

    @property
    def busy(self) -> bool:
        """Whether it is looking for a job or running one."""
        return self._looking

    def ordered(self, job_id: str) -> None:
        """Ask at once, if this job is the one being run, what its client wants; from any thread."""
        work = self._work
        if work is not None and work.claim.lease.job_id == job_id:
            work.heart.hurry()

    def look(self) -> None:
        """Claim and run jobs until there is none for this slot, or it may take no more; outlasts a database outage."""
        kit = self._equipment
        self._looking = True
        try:
            while not kit.stop_requested():
                claim = outlast(self._claim, too_late=kit.stop_requested)
                if claim is None:
                    return
                with logs.working_on(job=claim.lease.job_id, attempt=claim.lease.attempt):
                    self._run(claim)
        except LeaseLateError:  # told to stop while the database is away
            return
        finally:
            self._looking = False

    def _claim(self) -> Claim | None:
        if not self._may_claim():
            return None
        kit = self._equipment
        return leases.claim(kit.database, slot=self.identity, ttl_seconds=kit.settings.lease_ttl_seconds)

    def _run(self, claim: Claim) -> None:
        _log.info("begun")
        self._equipment.nudge(claim.lease.job_id)
        try:
            with begun(claim, self._equipment) as work:
                self._work = work
                self._carry(work)
        except (LeaseLateError, *AWAY) as error:
            _log.warning("out of reach: %s", type(error).__name__)
            self._give_back(claim, LEASE_LATE, strike=False)
        except LeaseLostError as error:
            _log.warning("%s", error)
        except StoreUnavailableError as error:
            _log.warning("%s", error)
            self._give_back(claim, error.code, strike=False)
        except Exception as error:
            # A fault of ours or of this machine. It counts as a strike, so that a job that always brings it about ends.
            _log.exception("the worker failed")
            self._give_back(claim, DISK_FULL if is_want_of_room(error) else WORKER_LOST, strike=True)
        finally:
            self._work = None
        _log.info("over")

    def _carry(self, work: Work) -> None:
        if work.claim.kind == "search":
            search(work)
        elif work.claim.kind == "grid":
            from workers.gathering import gather  # with NumPy, which most slots never need

            gather(work)
        else:
            for kind in inspect(work):
                self._hint(kind)

    def _give_back(self, claim: Claim, reason: str, *, strike: bool) -> None:
        """Give a job back, as soon as the database can be had: the fence refuses it if that is too late."""
        kit = self._equipment
        patience = Patience(kit.stop_requested, kit.settings.grace_seconds)
        try:
            outlast(lambda: give_back(kit, claim, reason=reason, strike=strike), too_late=patience.is_over)
            kit.nudge(claim.lease.job_id)
        except LeaseLostError as error:
            _log.warning("%s", error)

"""One slot: claims until nothing is claimable and carries each job through; knows no Celery and no signals."""

import logging
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from jobs import leases
from jobs.errors import LeaseLostError
from jobs.leases import Claim
from jobs.slots import SlotIdentity
from workers.inspecting import inspect
from workers.searching import search
from workers.settling import WORKER_LOST
from workers.work import Equipment, Work, begun

_log = logging.getLogger(__name__)


class Slot:
    """Runs one job at a time, in the thread that calls `look`, which must be the main one.

    Args:
        hint: Tells slots of a kind that there may be work for them; may do nothing.
    """

    def __init__(self, identity: SlotIdentity, equipment: Equipment, *, hint: Callable[[str], None]) -> None:
        self.identity = identity
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
        """Claim and run jobs until there is none for this slot, or the worker is told to stop."""
        kit = self._equipment
        self._looking = True
        try:
            while not kit.stop_requested():
                claim = leases.claim(kit.database, slot=self.identity, ttl_seconds=kit.settings.lease_ttl_seconds)
                if claim is None:
                    return
                self._run(claim)
        except DBAPIError as error:
            _log.error(
                "the database is away: %s; a later hint or sweep brings the slot back", type(error.orig).__name__
            )
        finally:
            self._looking = False

    def _run(self, claim: Claim) -> None:
        lease = claim.lease
        _log.info("%s attempt %d: begun", lease.job_id, lease.attempt)
        self._equipment.nudge(lease.job_id)
        try:
            with begun(claim, self._equipment) as work:
                self._work = work
                self._carry(work)
        except LeaseLostError as error:
            _log.warning("%s attempt %d: %s", lease.job_id, lease.attempt, error)
        except DBAPIError:
            raise
        except Exception:
            # A fault of ours or of this machine. It counts as a strike, so that a job that always brings it about ends.
            _log.exception("%s attempt %d: the worker failed", lease.job_id, lease.attempt)
            self._strike(claim)
        finally:
            self._work = None
        _log.info("%s attempt %d: over", lease.job_id, lease.attempt)

    def _carry(self, work: Work) -> None:
        if work.claim.kind == "search":
            search(work)
        else:
            for kind in inspect(work):
                self._hint(kind)

    def _strike(self, claim: Claim) -> None:
        kit = self._equipment
        delay = kit.settings.retry_delay_seconds
        try:
            leases.release(kit.database, claim.lease, reason=WORKER_LOST, strike=True, retry_delay_seconds=delay)
        except LeaseLostError as error:
            _log.warning("%s attempt %d: %s", claim.lease.job_id, claim.lease.attempt, error)

"""One attempt at hand: the lease it holds, the folder it runs in, the children it starts; decides no outcome."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from jobs import leases
from jobs.blobs import Blobs
from jobs.database import Database
from jobs.events import NewEvent
from jobs.leases import Claim, Outcome
from jobs.settings import Settings
from ticketing.folder import Event, Execution
from workers.attempt import hand_over, laid_out
from workers.bell import Bell
from workers.child import Child
from workers.heartbeat import Heartbeat, Rhythm
from workers.ledger import Entry, Ledger
from workers.memory import memory_bytes
from workers.outage import outlast
from workers.printed import Printed
from workers.protocol import Purpose
from workers.sandbox import Device, Errand, Limits, Sandbox
from workers.supervisor import Ending, Patience, Supervisor

INSPECTION_CPU_SECONDS = 3600
"""Of processor time; reading and checking a file, or loading back what a run wrote."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Equipment:
    """What a slot works with, the same for all its jobs."""

    settings: Settings
    database: Database
    blobs: Blobs
    sandbox: Sandbox
    device: Device
    command: Sequence[str]
    """Executes a verb (`run`, `inspect`, `verify`) on a folder, both appended: an absolute interpreter first."""
    bell: Bell
    stop_requested: Callable[[], bool]
    nudge: Callable[[str], None]
    """Tells whoever watches this job that there is something new; may do nothing."""


@dataclass(frozen=True)
class Work:
    """One attempt while it lasts; every write goes through its lease."""

    claim: Claim
    folder: Path
    equipment: Equipment
    heart: Heartbeat
    supervisor: Supervisor
    printed: Printed

    def execute(self, verb: str, *, purpose: Purpose, writes: Sequence[str], take: Callable[[Event], None]) -> Ending:
        """Run a child on the folder to its end.

        Args:
            verb: What `ticketing` is to do with the folder.
            purpose: Which events it may send.
            writes: The parts of the folder it may change.
            take: Gets every event but the last.
        """
        kit = self.equipment
        hand_over(self.folder, writes, kit.sandbox.user)
        memory = memory_bytes(kit.settings) if kit.device.kind == "cpu" else None
        limits = Limits(memory) if purpose == "search" else Limits(memory, cpu_seconds=INSPECTION_CPU_SECONDS)
        errand = Errand([*kit.command, verb, str(self.folder)], self.folder, writes, limits, kit.device)
        child = Child(kit.sandbox, errand, log=self.printed.path, bell=kit.bell)
        return self.supervisor.follow(child, purpose=purpose, take=take)

    def write(self, ask: Callable[[], Answer]) -> Answer:
        """Do one fenced transaction; while the database is away, again and again until the lease may be over.

        Raises:
            LeaseLateError: The database was away until then. Nothing was written, as far as is known.
        """
        return outlast(ask, too_late=lambda: self.heart.lost or self.heart.overdue)

    def commit(self, entry: Entry, ledger: Ledger) -> None:
        """Write an entry whose checkpoint, if it has one, is a blob already."""
        kit, lease, checkpoint = self.equipment, self.claim.lease, _checkpoint(entry, ledger)
        self.write(
            lambda: leases.commit(
                kit.database,
                lease,
                events=entry.events,
                checkpoint=checkpoint,
                levels=entry.levels,
                phase=entry.phase,
                warnings=entry.warnings,
            )
        )
        self.nudge()
        if checkpoint is not None:
            self.printed.keep_sometimes()

    def finish(self, outcome: Outcome, *, events: Sequence[NewEvent] = ()) -> None:
        """End the attempt; see `jobs.leases.finish`."""
        kit, lease = self.equipment, self.claim.lease
        delay, retain = kit.settings.retry_delay_seconds, kit.settings.retain_seconds
        self.printed.keep()
        self.write(
            lambda: leases.finish(
                kit.database, lease, outcome=outcome, events=events, retry_delay_seconds=delay, retain=retain
            )
        )
        self.nudge()

    def release(self, reason: str, *, strike: bool) -> None:
        """Give the job back; see `jobs.leases.release`."""
        self.write(lambda: give_back(self.equipment, self.claim, reason=reason, strike=strike))
        self.nudge()

    def nudge(self) -> None:
        """Tell whoever watches the job that there is something new."""
        self.equipment.nudge(self.claim.lease.job_id)


@contextmanager
def begun(claim: Claim, equipment: Equipment) -> Iterator[Work]:
    """Hold a claimed job's lease and its folder until the block ends."""
    settings = equipment.settings
    ttl = settings.lease_ttl_seconds

    def beat(progress: Mapping[str, Any] | None) -> leases.Orders:
        orders = leases.beat(equipment.database, claim.lease, ttl_seconds=ttl, progress=progress)
        if progress is not None:
            equipment.nudge(claim.lease.job_id)
        return orders

    execution = Execution(
        device=equipment.device.torch_name,
        threads=equipment.device.threads,
        checkpoint_seconds=settings.checkpoint_seconds,
        sandbox=equipment.sandbox.level,
    )
    patience = Patience(settings.first_step_seconds, settings.stall_seconds, settings.grace_seconds)
    rhythm = Rhythm(settings.beat_seconds, ttl)
    attempts = settings.paths.attempts
    with (
        Heartbeat(beat, rhythm=rhythm, bell=equipment.bell) as heart,
        laid_out(claim, attempts=attempts, blobs=equipment.blobs, execution=execution) as folder,
    ):
        supervisor = Supervisor(heart, patience=patience, stop_requested=equipment.stop_requested)
        log = settings.paths.logs / f"{folder.name}.log"
        printed = Printed(equipment.database, equipment.blobs, claim.lease, log)
        yield Work(claim, folder, equipment, heart, supervisor, printed)
        # Not when something failed: the job is to be given back first, and a store that is away is asked for long.
        printed.keep()


def give_back(equipment: Equipment, claim: Claim, *, reason: str, strike: bool) -> None:
    """Give a job back in one transaction; see `jobs.leases.release`."""
    settings = equipment.settings
    leases.release(
        equipment.database,
        claim.lease,
        reason=reason,
        strike=strike,
        retry_delay_seconds=settings.retry_delay_seconds,
        retain=settings.retain_seconds,
    )


def _checkpoint(entry: Entry, ledger: Ledger) -> leases.Checkpoint | None:
    told = entry.checkpoint
    if told is None:
        return None
    return leases.Checkpoint(told["number"], told["sha256"], told["bytes"], told["where"], ledger.execution_key)

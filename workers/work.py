"""One attempt at hand: the lease it holds, the folder it runs in, the children it starts; decides no outcome."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs import leases
from jobs.blobs import BlobFolder
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
from workers.protocol import Purpose
from workers.sandbox import Device, Errand, Limits, Sandbox, machine_memory_bytes
from workers.supervisor import Ending, Patience, Supervisor

INSPECTION_CPU_SECONDS = 3600
"""Of processor time; reading and checking a file, or loading back what a run wrote."""


@dataclass(frozen=True)
class Equipment:
    """What a slot works with, the same for all its jobs."""

    settings: Settings
    database: Database
    blobs: BlobFolder
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
        memory = machine_memory_bytes() if kit.device.kind == "cpu" else None
        limits = Limits(memory) if purpose == "search" else Limits(memory, cpu_seconds=INSPECTION_CPU_SECONDS)
        errand = Errand([*kit.command, verb, str(self.folder)], self.folder, writes, limits, kit.device)
        log = kit.settings.paths.logs / f"{self.folder.name}.log"
        child = Child(kit.sandbox, errand, log=log, bell=kit.bell)
        return self.supervisor.follow(child, purpose=purpose, take=take)

    def commit(self, entry: Entry, ledger: Ledger) -> None:
        """Write an entry whose checkpoint, if it has one, is a blob already."""
        leases.commit(
            self.equipment.database,
            self.claim.lease,
            events=entry.events,
            checkpoint=_checkpoint(entry, ledger),
            levels=entry.levels,
            phase=entry.phase,
            warnings=entry.warnings,
        )
        self.nudge()

    def finish(self, outcome: Outcome, *, events: Sequence[NewEvent] = ()) -> None:
        """End the attempt; see `jobs.leases.finish`."""
        kit = self.equipment
        delay = kit.settings.retry_delay_seconds
        leases.finish(kit.database, self.claim.lease, outcome=outcome, events=events, retry_delay_seconds=delay)
        self.nudge()

    def release(self, reason: str, *, strike: bool) -> None:
        """Give the job back; see `jobs.leases.release`."""
        kit = self.equipment
        delay = kit.settings.retry_delay_seconds
        leases.release(kit.database, self.claim.lease, reason=reason, strike=strike, retry_delay_seconds=delay)
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
        yield Work(claim, folder, equipment, heart, supervisor)


def _checkpoint(entry: Entry, ledger: Ledger) -> leases.Checkpoint | None:
    told = entry.checkpoint
    if told is None:
        return None
    return leases.Checkpoint(told["number"], told["sha256"], told["bytes"], told["where"], ledger.execution_key)

"""Which slots this machine runs, and how one is started; knows no job and imports no worker."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jobs.settings import Settings
from service.keeper import Kept
from service.tether import tethered
from ticketing.errors import WinnowError

WORKERS = (sys.executable, "-P", "-m", "workers")
"""The workers by module path; -P keeps the current folder out of where modules are looked for."""
REFUSED = 78
"""Exit status of a worker that would refuse again."""
KINDS = ("cpu", "gpu", "inspect")


class SlotsError(WinnowError):
    """A number of slots that cannot be read."""

    code = "bad_slots"


@dataclass(frozen=True)
class SlotPlan:
    """One slot to run."""

    kind: str
    index: int
    threads: int = 1

    @property
    def name(self) -> str:
        """Of its process and its log."""
        return f"{self.kind}-{self.index}"


def plan_slots(wanted: str, *, cores: int, gpus: int) -> list[SlotPlan]:
    """Say which slots to run: `auto`, `none`, or numbers by kind such as `cpu=2,inspect=1`.

    `auto` is one slot per GPU, each with its share of the cores, else one per core with one thread: two processes of
    one thread train faster than one of two. One slot for inspections always comes with it.

    Raises:
        SlotsError: It is neither.
    """
    if wanted == "none":
        return []
    if wanted == "auto":
        main = ("gpu", gpus, max(1, cores // gpus)) if gpus else ("cpu", cores, 1)
        return [SlotPlan(main[0], index, main[2]) for index in range(main[1])] + [SlotPlan("inspect", 0)]
    return [SlotPlan(kind, index) for kind, count in _numbers(wanted).items() for index in range(count)]


def _numbers(wanted: str) -> dict[str, int]:
    numbers = {}
    for part in wanted.split(","):
        kind, _, count = part.strip().partition("=")
        if kind not in KINDS or not count.isdigit():
            raise SlotsError(
                f"expected auto, none, or e.g. cpu=2,inspect=1 (kinds: {', '.join(KINDS)}), got {wanted!r}"
            )
        numbers[kind] = int(count)
    return numbers


def cores_here() -> int:
    """Count the cores this process may run on."""
    return len(os.sched_getaffinity(0))


def gpus_here() -> int:
    """Count the NVIDIA devices of this machine, without loading a driver."""
    return len([path for path in Path("/dev").glob("nvidia*") if path.name[len("nvidia") :].isdigit()])


def environment(settings: Settings, redis_url: str) -> dict[str, str]:
    """Make the environment of a worker: ours, with the settings that count here."""
    own = {"WINNOW_HOME": str(settings.home.absolute()), "WINNOW_REDIS_URL": redis_url}
    if settings.database_url is not None:
        own["WINNOW_DATABASE_URL"] = settings.database_url
    return {**os.environ, **own}


def kept_slot(plan: SlotPlan, *, env: Mapping[str, str], logs: Path, child: str | None = None) -> Kept:
    """Describe a slot to the keeper of processes.

    Args:
        env: Its whole environment; `environment` makes one.
        logs: Folder its log is added to.
        child: Command of its children as a JSON list, instead of `python -m ticketing`.
    """
    command = [*WORKERS, "slot", "--kind", plan.kind, "--index", str(plan.index), "--threads", str(plan.threads)]
    if child is not None:
        command += ["--child", child]
    start = partial(_start, command, env=env, log=logs / f"slot-{plan.name}.log")
    return Kept(f"slot {plan.name}", start, refused=REFUSED)


def _start(command: Sequence[str], *, env: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as output:
        return subprocess.Popen(
            tethered(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(env),
            start_new_session=True,
        )

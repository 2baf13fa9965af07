"""Which slots this machine runs, and how one is started; knows no job and imports no worker."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jobs.settings import Settings
from service.operating.keeper import Kept
from service.operating.tether import tethered
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
    gpu: str | None = None
    """What CUDA calls the one GPU it has, of a gpu slot."""

    @property
    def name(self) -> str:
        """Of its process and its log."""
        return f"{self.kind}-{self.index}"


def plan_slots(wanted: str, *, cores: int, gpus: Sequence[str]) -> list[SlotPlan]:
    """Say which slots to run: `auto`, `none`, or numbers by kind such as `cpu=2,inspect=1`, or `cpu=2x4` of 4 threads.

    `auto` is one slot per GPU, each with its share of the cores, else one per core with one thread: two processes of
    one thread train faster than one of two. One slot for inspections always comes with it; there is never a second.

    Args:
        wanted: What the operator wrote.
        cores: Of this machine.
        gpus: What CUDA calls those of this machine.

    Raises:
        SlotsError: It is neither, or asks for GPUs that are not there.
    """
    if wanted == "none":
        return []
    if wanted == "auto":
        numbers = [("gpu", len(gpus), 0)] if gpus else [("cpu", cores, 0)]
        numbers.append(("inspect", 1, 0))
    else:
        numbers = [_number(part.strip(), wanted) for part in wanted.split(",")]
    plans: list[SlotPlan] = []
    for kind, count, threads in numbers:
        if kind == "gpu" and count > len(gpus):
            raise SlotsError(
                f"expected at most one slot for each GPU here, of which there are {len(gpus)}, got {count}"
            )
        if kind == "inspect" and count > 1:
            raise SlotsError(f"expected at most one slot for inspections on a machine, got {count}")
        usual = max(1, cores // count) if kind == "gpu" and count else 1
        names = gpus[:count] if kind == "gpu" else [None] * count
        plans += [SlotPlan(kind, index, threads or usual, name) for index, name in enumerate(names)]
    return plans


def _number(part: str, wanted: str) -> tuple[str, int, int]:
    """Read `cpu=2` or `cpu=2x4`: the kind, how many, and of how many threads each, 0 where that is left open."""
    kind, _, rest = part.partition("=")
    count, by, threads = rest.partition("x")
    if kind not in KINDS or not count.isdecimal() or (by and not (threads.isdecimal() and int(threads) > 0)):
        raise SlotsError(f"expected auto, none, or e.g. cpu=2,inspect=1 (kinds: {', '.join(KINDS)}), got {wanted!r}")
    return kind, int(count), int(threads or 0)


def cores_here() -> int:
    """Count the cores this process may run on."""
    return len(os.sched_getaffinity(0))


def gpus_here() -> list[str]:
    """Name the NVIDIA devices of this machine as CUDA does, without loading a driver.

    Where `CUDA_VISIBLE_DEVICES` is set, those it lists and no others.
    """
    told = os.environ.get("CUDA_VISIBLE_DEVICES")
    if told is None:
        # By how many there are: a container may hold the fourth device of its machine alone, which is number 0 in it.
        return [str(number) for number, _ in enumerate(_devices())]
    named = [name.strip() for name in told.split(",")]
    ends = next((number for number, name in enumerate(named) if not name or name.startswith("-")), len(named))
    return named[:ends]  # as CUDA reads it: nothing counts from the first that is none


def _devices() -> list[Path]:
    return [path for path in Path("/dev").glob("nvidia*") if path.name[len("nvidia") :].isdigit()]


def environment(settings: Settings, redis_url: str) -> dict[str, str]:
    """Make the environment of a worker: ours, with the settings that count here."""
    own = {"WINNOW_HOME": str(settings.home.absolute()), "WINNOW_REDIS_URL": redis_url}
    if settings.database_url is not None:
        own["WINNOW_DATABASE_URL"] = settings.database_url
    return {**os.environ, **own}


def kept_slot(plan: SlotPlan, *, env: Mapping[str, str], logs: Path | None, child: str | None = None) -> Kept:
    """Describe a slot to the keeper of processes.

    Args:
        env: Its whole environment; `environment` makes one.
        logs: Folder its log is added to; None writes it where ours goes.
        child: Command of its children as a JSON list, instead of `python -m ticketing`.
    """
    command = [*WORKERS, "slot", "--kind", plan.kind, "--index", str(plan.index), "--threads", str(plan.threads)]
    if plan.gpu is not None:
        command += ["--gpu", plan.gpu]
    if child is not None:
        command += ["--child", child]
    start = partial(_start, command, env=env, log=None if logs is None else logs / f"slot-{plan.name}.log")
    return Kept(f"slot {plan.name}", start, refused=REFUSED)


def _start(command: Sequence[str], *, env: Mapping[str, str], log: Path | None) -> "subprocess.Popen[bytes]":
    with nullcontext() if log is None else log.open("ab") as output:
        return subprocess.Popen(
            tethered(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(env),
            start_new_session=True,
        )

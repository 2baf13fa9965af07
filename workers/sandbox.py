"""What a child may do at each level, composed into the policy that `workers.launcher` applies; knows no job."""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ticketing.errors import WinnowError
from workers import landlock
from workers.launcher import Policy

Level = Literal["landlock", "rlimits", "none"]
LEVELS: tuple[Level, ...] = ("none", "rlimits", "landlock")
"""Weakest first."""

LAUNCHER = Path(__file__).with_name("launcher.py")

_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat")
_MACHINE = ("/sys/devices",)  # glibc and OpenMP count the cores here
_LOADERS = ("/lib64/ld-*.so*", "/lib/ld-*.so*")
_GPU_FILES = ("/proc/driver/nvidia", "/proc/devices", "/proc/modules", "/proc/self", "/sys/bus/pci", "/sys/module")


class SandboxError(WinnowError):
    """A sandbox weaker than what is asked for, or one that would not hold."""

    code = "sandbox"


@dataclass(frozen=True)
class Sandbox:
    """What this machine can hold a child to; `workers.probe` finds it out."""

    level: Level
    landlock_abi: int = 0
    user: tuple[int, int] | None = None
    """Uid and gid the child becomes; None keeps the worker's, without capabilities."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What a child may use up before the kernel stops it."""

    memory_bytes: int | None
    """Address space; None for a GPU job, whose driver reserves more than the machine has."""
    cpu_seconds: int = 30 * 86400
    file_bytes: int = 64 << 30
    open_files: int = 256

    def as_rlimits(self) -> dict[str, int]:
        """Write the limits under the names of `setrlimit`."""
        limits = {"CORE": 0, "FSIZE": self.file_bytes, "NOFILE": self.open_files, "CPU": self.cpu_seconds}
        return limits if self.memory_bytes is None else {**limits, "AS": self.memory_bytes}


@dataclass(frozen=True)
class Device:
    """What a child computes on."""

    kind: Literal["cpu", "gpu"] = "cpu"
    index: int = 0
    """Which of the slots of its kind here; of GPUs, which one, unless it is named."""
    threads: int = 1
    gpu: str | None = None
    """What CUDA calls the GPU from outside the child: a number, or `GPU-...` or `MIG-...`."""

    @property
    def visible(self) -> str:
        """What a child sees of the machine's GPUs, as `CUDA_VISIBLE_DEVICES` says it."""
        return "" if self.kind == "cpu" else self.gpu or str(self.index)

    @property
    def torch_name(self) -> str:
        """What torch calls it inside the child, which sees one GPU at most."""
        return "cpu" if self.kind == "cpu" else "cuda:0"


@dataclass(frozen=True)
class Errand:
    """One execution of a child: what it runs, where, and which of the folder's parts it may write."""

    command: Sequence[str]
    folder: Path
    writes: Sequence[str]
    """Sub-folders, which must be there already."""
    limits: Limits
    device: Device = field(default_factory=Device)


def package_folder() -> Path:
    """Give the folder of the installed `ticketing` package: all of our own code that a child may read."""
    spec = importlib.util.find_spec("ticketing")
    if spec is None or not spec.submodule_search_locations:
        raise SandboxError("expected the package `ticketing` to be installed for this interpreter, found none")
    return Path(next(iter(spec.submodule_search_locations))).resolve()


def readable_folders() -> tuple[Path, ...]:
    """List the folders every child may read: the interpreter, its libraries, the package, the system's libraries.

    Nothing secret may lie under one of them; `refuse_readable` checks.
    """
    own = (Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), package_folder())
    return (*own, *(Path(p) for p in (*_LIBRARIES, *_MACHINE)))


def refuse_readable(home: Path) -> None:
    """Refuse a home folder that the sandbox lets every child read.

    Raises:
        SandboxError: The home is, or lies in, one of `readable_folders`.
    """
    for folder in readable_folders():
        if home.resolve().is_relative_to(folder.resolve()):
            raise SandboxError(
                f"expected a home outside every folder that the sandboxed jobs may read, got {home}, "
                f"which is inside {folder}"
            )


def policy(sandbox: Sandbox, errand: Errand, *, parent: int, event_fd: int | None) -> Policy:
    """Compose what the launcher needs to execute an errand at a sandbox's level.

    Args:
        parent: Process whose death kills the child.
        event_fd: Descriptor that the child finds as its descriptor 3.
    """
    return Policy(
        level=sandbox.level,
        landlock_abi=sandbox.landlock_abi,
        parent=parent,
        event_fd=event_fd,
        folder=str(errand.folder),
        command=list(errand.command),
        environment=dict(_environment(errand)),
        rules=_rules(errand),
        limits=errand.limits.as_rlimits(),
        user=sandbox.user,
    )


def _rules(errand: Errand) -> list[tuple[str, int]]:
    read = [str(folder) for folder in readable_folders()] + [*_SYSTEM_FILES, str(errand.folder)]
    rules = [(path, landlock.READ) for path in read]
    rules += [(str(path), landlock.EXEC) for path in _executables(errand.command[0])]
    rules += [(str(errand.folder / part), landlock.WRITE) for part in errand.writes]
    rules += [("/dev/null", landlock.DEVICE), ("/dev/urandom", landlock.READ), ("/dev/random", landlock.READ)]
    if errand.device.kind == "gpu":
        rules += [(path, landlock.READ) for path in _GPU_FILES]
        rules += [(str(path), landlock.DEVICE) for path in Path("/dev").glob("nvidia*")]
        rules += [("/dev/shm", landlock.WRITE)]  # noqa: S108 - the CUDA driver's own, not a guessed temporary file
    return rules


def _executables(command: str) -> list[Path]:
    """Name the interpreter and the loaders that start it: nothing else can be executed, no shell, no compiler."""
    loaders = [path.resolve() for pattern in _LOADERS for path in Path("/").glob(pattern[1:])]
    return [Path(command).resolve(), *loaders]


def _environment(errand: Errand) -> Mapping[str, str]:
    """Make the whole environment of a child; nothing of the worker's own is in it."""
    own = str(errand.folder / "tmp")
    threads = str(errand.device.threads)
    return {
        "HOME": own,
        "TMPDIR": own,
        "XDG_CACHE_HOME": own,
        "CUDA_CACHE_PATH": own,
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "JOBLIB_MULTIPROCESSING": "0",
        "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "CUDA_VISIBLE_DEVICES": errand.device.visible,
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # the order nvidia-smi counts in, not one of speed
    }

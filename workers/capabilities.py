"""What this slot has to run jobs with: its device, its memory, what is installed; asks no database."""

import csv
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import get_args

from jobs.settings import SandboxLevel, Settings
from jobs.slots import Capabilities
from workers.memory import memory_bytes
from workers.sandbox import Device, Sandbox

EXTRAS = {"postgres": "psycopg", "s3": "obstore"}
"""Optional parts by the package each brings."""
_ASK_SECONDS = 20.0
"""A driver that nobody has used since the machine started takes a few seconds to wake up."""


def capabilities(settings: Settings, *, sandbox: Sandbox, device: Device) -> Capabilities:
    """Say what a slot can run, as far as it can be told without loading torch or a driver."""
    name, memory = _gpu(device) if device.kind == "gpu" else ("cpu", memory_bytes(settings))
    return Capabilities(
        device=name,
        memory_bytes=memory,
        torch=installed("torch"),
        extras=tuple(sorted(extra for extra, package in EXTRAS.items() if find_spec(package) is not None)),
        uploads=opens_uploads(sandbox, settings.uploads_from),
    )


def opens_uploads(sandbox: Sandbox, weakest: SandboxLevel) -> bool:
    """Say whether a sandbox is tight enough for files that somebody sent."""
    levels = get_args(SandboxLevel)
    return levels.index(sandbox.level) >= levels.index(weakest)


def installed(distribution: str) -> str | None:
    """Give the version of a package; None where it is not installed, as in a checkout that is run in place."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _gpu(device: Device) -> tuple[str, int | None]:
    """Ask the driver's own program for the name and the memory of a GPU; without it only its number is known."""
    unknown = (f"gpu {device.visible}", None)
    program = shutil.which("nvidia-smi")
    if program is None:
        return unknown
    command = [program, f"--id={device.visible}", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_SECONDS, check=True).stdout
        name, mebibytes = next(csv.reader(said.splitlines(), skipinitialspace=True))
        return name, int(mebibytes) << 20
    except (OSError, subprocess.SubprocessError, StopIteration, ValueError):
        return unknown

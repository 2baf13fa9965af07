"""How much memory a child may have, and whether a child ended for want of it; starts and ends nothing."""

import os
from pathlib import Path

from jobs.settings import Settings

_CGROUPS = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60
"""Version 1 of control groups writes "no limit" as a number near 2**63."""
_WANT_OF_MEMORY = (
    b"MemoryError",
    b"std::bad_alloc",
    b"OutOfMemoryError",
    b"annot allocate memory",
    b"can't allocate memory",
    b"failed to map segment from shared object",
)
"""How Python, C++, torch and the loader say so when they have no room left to say it properly."""


def said_out_of_memory(printed: bytes) -> bool:
    """Tell from the last that a child printed whether it ended because an allocation was refused."""
    return any(words in printed for words in _WANT_OF_MEMORY)


def memory_bytes(settings: Settings) -> int:
    """Say how much memory a job on a CPU may have: what the operator set, else all there is."""
    return settings.slot_memory_bytes or machine_memory_bytes()


def machine_memory_bytes() -> int:
    """Say how much memory there is for processes like this one: the machine's, or less where its group is limited."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [_number(file) for file in _group_files("memory.max", "memory.limit_in_bytes")]
    return min([machine, *(limit for limit in limits if limit is not None and limit < _UNLIMITED)])


def kernel_kills() -> int | None:
    """Count the processes the kernel has killed for want of memory, in our control group where it can be seen.

    None where the kernel does not count. A child that died of SIGKILL while this number rose died of that.
    """
    for file in (*_group_files("memory.events", "memory.oom_control"), Path("/proc/vmstat")):
        try:
            lines = file.read_text().splitlines()
        except OSError:
            continue
        for name, _, value in (line.partition(" ") for line in lines):
            if name == "oom_kill" and value.isdigit():
                return int(value)
    return None


def _group_files(version_2: str, version_1: str) -> list[Path]:
    """Name the files of our control group, innermost first; seen from inside a container its root is the mount's."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found: list[Path] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            mount, name = _CGROUPS / "memory", version_1
        elif controllers == "":
            mount, name = _CGROUPS, version_2
        else:
            continue
        own = mount / path.lstrip("/")
        inside = [folder for folder in (own, *own.parents) if folder.is_relative_to(mount)]
        found += [folder / name for folder in inside if (folder / name).is_file()]
    return found


def _number(file: Path) -> int | None:
    try:
        word = file.read_text().strip()
    except OSError:
        return None
    return int(word) if word.isdigit() else None

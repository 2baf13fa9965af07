"""Landlock by system call: which files a process may still open and which ports and signals it may still reach.

Standard library alone, because the launcher imports it before the interpreter's own libraries are on the path.
Knows nothing of jobs; see landlock(7).
"""

import ctypes
import os
import struct
from collections.abc import Sequence

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION, _PATH_BENEATH = 1, 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
_HANDLED_FROM = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights that exist from an ABI on; what is handled and not granted is refused."""

READ = READ_FILE | READ_DIR
EXEC = EXECUTE | READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | TRUNCATE | MAKE_REG | MAKE_DIR | REMOVE_FILE | REMOVE_DIR
"""A folder of one's own. No links, pipes, sockets or devices, and nothing moved in from another folder (REFER)."""
DEVICE = READ_FILE | WRITE_FILE | IOCTL_DEV
_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

_NET_BIND_AND_CONNECT_TCP = 0b11
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_libc = ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *arguments: object) -> int:
    result: int = _libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock system call {number}: {os.strerror(error)}")
    return result


def abi() -> int:
    """Say which version of Landlock this kernel speaks; 0 when it has none or it is switched off."""
    try:
        return _syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    except OSError:
        return 0


def handled_files(version: int) -> int:
    """Give every file right that an ABI knows, as bits."""
    return max(bits for since, bits in _HANDLED_FROM.items() if since <= version)


def ruleset_attributes(version: int) -> bytes:
    """Lay out `struct landlock_ruleset_attr` for an ABI: every right it knows is refused unless a rule grants it."""
    words = [handled_files(version)]
    if version >= 4:
        words.append(_NET_BIND_AND_CONNECT_TCP)
    if version >= 6:
        words.append(_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS)
    return struct.pack(f"={len(words)}Q", *words)


def restrict(rules: Sequence[tuple[str, int]], *, version: int) -> None:
    """Give up, for good and for every later child, all file access but that under the given paths.

    TCP (ABI >= 4), signals and abstract sockets to processes outside (ABI >= 6) are given up without exception.
    A path that is not there, or that this user cannot reach, grants nothing.

    Args:
        rules: Path and rights; on a file the rights that only folders have are left out.
        version: The ABI to speak; at most what `abi` answers.

    Raises:
        OSError: The kernel refused: the process must not go on.
    """
    attributes = ruleset_attributes(version)
    ruleset = _syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    for path, rights in rules:
        try:
            beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, PermissionError):
            continue
        allowed = rights & handled_files(version)
        if not _is_folder(beneath):
            allowed &= _FILE_RIGHTS
        rule = struct.pack("=Qi", allowed, beneath)
        _syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
        os.close(beneath)
    _syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)


def _is_folder(descriptor: int) -> bool:
    return os.fstat(descriptor).st_mode & 0o170000 == 0o040000

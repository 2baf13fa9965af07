"""What a worker process does to itself: shows nobody its memory and environment."""

import ctypes
import os

_SET_DUMPABLE = 4


def hide() -> None:
    """Keep a job's child, which may run as the same user, from reading this process's memory and environment.

    Raises:
        OSError: The kernel refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    nothing = ctypes.c_ulong(0)
    if libc.prctl(_SET_DUMPABLE, nothing, nothing, nothing, nothing) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl: {os.strerror(error)}")

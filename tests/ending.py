"""Processes of tests that end when the tests do."""

import ctypes
import signal

_libc = ctypes.CDLL(None)


def end_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends, however it ends."""
    _libc.prctl(1, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)

"""Becomes a command that is killed when the process that started it ends; standard library alone.

Run as `python -I -S tether.py PARENT COMMAND...`. For trusted commands: `workers.launcher` is for the others.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

_SET_PDEATHSIG = 1


def tethered(command: Sequence[str]) -> list[str]:
    """Write the command line that runs `command` tied to this process, to be started by a thread that lasts as long.

    The death signal follows the thread that starts a process. `command` begins with an absolute path.
    """
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(os.getpid()), *command]


def _become(parent: int, command: Sequence[str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl: the death signal could not be set")
    if os.getppid() != parent:  # it ended before the signal was set
        raise SystemExit(1)
    os.execv(command[0], list(command))  # noqa: S606 - becoming the command is the purpose


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])

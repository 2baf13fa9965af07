"""Becomes the child of a job: ties its life to its parent, gives up every right it does not need, and executes.

Run as `python -I -S launcher.py POLICY` with the policy (`Policy`) as JSON. Standard library alone; knows nothing of
jobs. If any step of the policy cannot be done, nothing is executed and the exit status is 126.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from typing import TypedDict

if __name__ == "__main__":
    sys.path.append(__file__.rpartition("/workers/")[0])  # after the standard library, which nothing here may shadow

from workers import landlock, seccomp

NOT_LAUNCHED = 126
_SET_PDEATHSIG, _SET_NO_NEW_PRIVS, _CAPBSET_DROP, _CAP_AMBIENT, _AMBIENT_CLEAR_ALL = 1, 38, 24, 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
_OOM_SCORE = "800"
"""Of -1000 to 1000, the highest being ended first."""

_libc = ctypes.CDLL(None, use_errno=True)


class Policy(TypedDict):
    """What the child may do; made by `workers.sandbox`, applied here as it stands."""

    level: str
    """`landlock`, `rlimits` (everything but Landlock), or `none` (tied to its parent, nothing else)."""
    landlock_abi: int
    parent: int
    """Process that must still be the parent; when it dies the child is killed."""
    event_fd: int | None
    """Inherited descriptor that becomes descriptor 3; every other one is closed."""
    folder: str
    command: list[str]
    environment: dict[str, str]
    rules: list[tuple[str, int]]
    """Path and Landlock rights."""
    limits: dict[str, int]
    """`CORE`, `FSIZE`, `NOFILE`, `CPU`, `AS`: bytes, files, seconds."""
    user: tuple[int, int] | None
    """Uid and gid to become; None keeps them, without capabilities."""


def launch(policy: Policy) -> None:
    """Apply a policy to this process and execute its command; does not return.

    Raises:
        OSError: A step was refused by the kernel.
    """
    _die_with(policy["parent"])
    _be_first_to_go()
    _keep_descriptors(policy["event_fd"])
    os.chdir(policy["folder"])
    if policy["level"] != "none":
        for name, value in policy["limits"].items():
            _limit(getattr(resource, f"RLIMIT_{name}"), value)
        _give_up_privileges(policy["user"])
        _die_with(policy["parent"])  # a change of user clears the death signal
        if policy["level"] == "landlock":
            landlock.restrict(policy["rules"], version=policy["landlock_abi"])
        covered = policy["landlock_abi"] if policy["level"] == "landlock" else 0
        seccomp.install(own_pid=os.getpid(), landlock_abi=covered)
    command = policy["command"]
    os.execve(command[0], command, policy["environment"])  # noqa: S606 - becoming the command is the purpose


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(a) for a in (*arguments, 0, 0, 0, 0)][:4]
    if _libc.prctl(option, *padded) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl {option}: {os.strerror(error)}")


def _die_with(parent: int) -> None:
    """Be killed when the parent's starting thread ends, also if it ended before this was asked."""
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise OSError(f"expected to be the child of process {parent}, which is gone")


def _be_first_to_go() -> None:
    """Have the kernel, when memory runs out, end this process rather than its worker or the database."""
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 - starts faster so
        file.write(_OOM_SCORE)


def _keep_descriptors(event_fd: int | None) -> None:
    if event_fd is not None and event_fd != 3:
        os.dup2(event_fd, 3)
    elif event_fd == 3:
        os.set_inheritable(3, True)
    os.closerange(3 if event_fd is None else 4, os.sysconf("SC_OPEN_MAX"))


def _limit(which: int, value: int) -> None:
    _soft, hard = resource.getrlimit(which)
    ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (ceiling, ceiling))


def _give_up_privileges(user: tuple[int, int] | None) -> None:
    """Drop every capability, out of the bounding set too, and the way back; become the user if there is one."""
    _prctl(_CAP_AMBIENT, _AMBIENT_CLEAR_ALL)
    if os.geteuid() == 0:
        _empty_bounding_set()
    if user is not None:
        os.setgroups([])
        os.setresgid(user[1], user[1], user[1])
        os.setresuid(user[0], user[0], user[0])
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    if _libc.capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capset: the capabilities could not be dropped")
    _prctl(_SET_NO_NEW_PRIVS, 1)


def _empty_bounding_set() -> None:
    for capability in range(64):
        try:
            _prctl(_CAPBSET_DROP, capability)
        except OSError:  # past the last one, or a root that may not: no_new_privs keeps it from gaining any by execve
            return


if __name__ == "__main__":
    try:
        launch(json.loads(sys.argv[1]))
    except OSError as error:
        print(f"launcher: {error}", file=sys.stderr)
        sys.exit(NOT_LAUNCHED)

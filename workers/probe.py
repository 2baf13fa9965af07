"""Finds the strongest sandbox that holds on this machine, by shutting an attacker in and asking what it could do."""

import json
import os
import pwd
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workers import landlock
from workers.sandbox import LAUNCHER, Errand, Limits, Sandbox, package_folder, policy

PROBE_PREFIX = "probe-"
_UNPRIVILEGED = "nobody"
_ATTACK = """
import json, socket, sys
def can(act):
    try:
        act()
    except OSError:
        return False
    return True
secret, package = sys.argv[1:]
print(json.dumps({
    "reads_secret": can(lambda: open(secret).read()),
    "opens_socket": can(lambda: socket.socket(socket.AF_UNIX)),
    "reads_package": can(lambda: open(package).read()),
    "writes_folder": can(lambda: open("tmp/mark", "w").write("x")),
}))
"""


@dataclass(frozen=True)
class Trial:
    """What a shut-in attacker could do."""

    reads_secret: bool
    opens_socket: bool
    reads_package: bool
    writes_folder: bool


def probe(scratch: Path) -> Sandbox:
    """Try the levels from the strongest down and answer the first that held against a real child.

    As root the child becomes an unprivileged user where that user can read the interpreter and the package; else it
    keeps the worker's user without capabilities, and a warning says so. Level `none` means that not even the
    system-call filter holds.

    Args:
        scratch: Folder on the file system that jobs will lie on; left as it was found.
    """
    warnings: list[str] = []
    for candidate in _candidates():
        trial = _attack(candidate, scratch)
        if isinstance(trial, str):
            warnings.append(f"{_name(candidate)}: not possible here ({trial})")
        elif not (trial.reads_package and trial.writes_folder):
            warnings.append(f"{_name(candidate)}: cannot read the interpreter, the package or its own folder")
        elif trial.opens_socket or (candidate.level == "landlock" and trial.reads_secret):
            warnings.append(f"{_name(candidate)}: does not hold")
        else:
            if os.geteuid() == 0 and candidate.user is None:
                warnings.append("this is root: jobs keep its user id, without its capabilities")
            return Sandbox(candidate.level, candidate.landlock_abi, candidate.user, tuple(warnings))
    return Sandbox("none", warnings=tuple(warnings))


def _candidates() -> Iterator[Sandbox]:
    abi = landlock.abi()
    users = [None] if os.geteuid() != 0 else [_unprivileged_user(), None]
    if abi > 0:
        yield from (Sandbox("landlock", abi, user) for user in users)
    yield from (Sandbox("rlimits", 0, user) for user in users)


def _unprivileged_user() -> tuple[int, int]:
    entry = pwd.getpwnam(_UNPRIVILEGED)
    return entry.pw_uid, entry.pw_gid


def _name(candidate: Sandbox) -> str:
    who = "as the worker's user" if candidate.user is None else f"as uid {candidate.user[0]}"
    return f"level {candidate.level} {who}"


def _attack(candidate: Sandbox, scratch: Path) -> Trial | str:
    """Shut an attacker in; answer what it could do, or why it did not start."""
    with tempfile.TemporaryDirectory(prefix=PROBE_PREFIX, dir=scratch) as made:
        folder = Path(made) / "folder"
        (folder / "tmp").mkdir(parents=True)
        secret = Path(made) / "secret"
        secret.write_text(secrets.token_hex())
        if candidate.user is not None:
            Path(made).chmod(0o755)
            os.chown(folder / "tmp", *candidate.user)
        command = [sys.executable, "-I", "-S", "-c", _ATTACK, str(secret), str(package_folder() / "folder.py")]
        errand = Errand(command, folder, ["tmp"], Limits(memory_bytes=None, cpu_seconds=60))
        applied = policy(candidate, errand, parent=os.getpid(), event_fd=None)
        launched = [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(applied)]
        done = subprocess.run(launched, capture_output=True, env={}, timeout=60, check=False)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {done.returncode}"]
        return lines[-1][:200]
    return Trial(**json.loads(done.stdout))

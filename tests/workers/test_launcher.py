"""workers.launcher: the policy is applied whole, survives the execution, or nothing is executed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from workers.launcher import NOT_LAUNCHED
from workers.sandbox import LAUNCHER, Errand, Limits, Sandbox, policy

if TYPE_CHECKING:
    from tests.workers.conftest import Launch

TELL = """
import ctypes, json, os, resource
signal_at = ctypes.c_int()
ctypes.CDLL(None).prctl(2, ctypes.byref(signal_at))
print(json.dumps({
    "death_signal": signal_at.value,
    "limits": {n: resource.getrlimit(getattr(resource, "RLIMIT_" + n)) for n in "CORE FSIZE NOFILE CPU AS".split()},
    "environment": dict(os.environ),
    "folder": os.getcwd(),
    "session": os.getsid(0) == os.getpid(),
    "parent": os.getppid(),
    "new_privileges": ctypes.CDLL(None).prctl(39, 0, 0, 0, 0) == 0,
    "filter": ctypes.CDLL(None).prctl(21, 0, 0, 0, 0),
    "bounding_set": [c for c in range(41) if ctypes.CDLL(None).prctl(23, c, 0, 0, 0) == 1],
    "user": os.getresuid(),
}))
"""
LIMITS = Limits(memory_bytes=3 << 30, cpu_seconds=100, file_bytes=1 << 20, open_files=64)


def told(launch: Launch, sandbox: Sandbox, folder: Path) -> dict[str, Any]:
    child = launch(TELL, sandbox=sandbox, limits=LIMITS)
    while child.exit_status is None:
        child.wait(10)
    found: dict[str, Any] = json.loads((folder / "log").read_text())
    return found


def test_a_sandboxed_child_has_what_the_policy_says(launch: Launch, sandbox: Sandbox, tmp_path: Path) -> None:
    found = told(launch, sandbox, tmp_path)
    assert found["limits"] == {
        "CORE": [0, 0], "FSIZE": [1 << 20] * 2, "NOFILE": [64, 64], "CPU": [100, 100], "AS": [3 << 30] * 2,
    }  # fmt: skip
    assert found["folder"] == str(tmp_path)
    assert found["session"]
    assert not found["new_privileges"]
    assert found["filter"] == 2
    assert found["death_signal"] == signal.SIGKILL
    assert found["parent"] == os.getpid()


def test_the_environment_is_the_policys_alone(
    launch: Launch, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WINNOW_REDIS_URL", "redis://:secret@host")
    found = told(launch, sandbox, tmp_path)["environment"]
    assert "secret" not in json.dumps(found)
    assert found["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] == "1"
    assert found["OMP_NUM_THREADS"] == "1"
    assert found["HOME"] == found["TMPDIR"] == str(tmp_path / "tmp")
    assert found["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has capabilities to drop")
def test_root_without_another_user_keeps_no_capability_nor_a_way_to_one(
    launch: Launch, sandbox: Sandbox, tmp_path: Path
) -> None:
    found = told(launch, Sandbox(sandbox.level, sandbox.landlock_abi), tmp_path)
    assert found["bounding_set"] == []
    assert found["user"] == [0, 0, 0]


def launched(applied: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(applied)]
    return subprocess.run(command, capture_output=True, text=True, env={}, check=False)


def errand(folder: Path) -> Errand:
    return Errand([sys.executable, "-c", "print('executed')"], folder, (), LIMITS)


def test_nothing_is_executed_for_a_parent_that_is_gone(tmp_path: Path) -> None:
    done = launched(policy(Sandbox("none"), errand(tmp_path), parent=1, event_fd=None))
    assert (done.returncode, done.stdout) == (NOT_LAUNCHED, "")
    assert "which is gone" in done.stderr


def test_nothing_is_executed_when_a_step_is_refused(tmp_path: Path, sandbox: Sandbox) -> None:
    applied = policy(sandbox, errand(tmp_path), parent=os.getpid(), event_fd=None)
    applied["folder"] = str(tmp_path / "missing")
    done = launched(applied)
    assert (done.returncode, done.stdout) == (NOT_LAUNCHED, "")
    assert done.stderr.startswith("launcher: ")


def test_the_launcher_needs_the_standard_library_alone(tmp_path: Path) -> None:
    source = LAUNCHER.read_text() + "".join(LAUNCHER.with_name(f"{n}.py").read_text() for n in ("landlock", "seccomp"))
    imported = {line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))}
    assert imported <= sys.stdlib_module_names | {"workers"}

"""workers.memory: want of memory is told from other deaths, by words and by the kernel's own count."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from jobs.settings import Settings
from workers.memory import kernel_kills, machine_memory_bytes, memory_bytes, said_out_of_memory

GROUPS = Path("/sys/fs/cgroup")
LIMIT_BYTES = 256 << 20
EATS = "held = [bytearray(1 << 20) for _ in range(1 << 10)]"


@pytest.fixture
def tight_group() -> Iterator[Path]:
    """A control group that may use 256 MiB, inside our own; where none can be made there is nothing to test."""
    path = next(
        line.split(":", 2)[2]
        for line in Path("/proc/self/cgroup").read_text().splitlines()
        if ":memory:" in line or line.startswith("0::")
    )
    version_1 = (GROUPS / "memory").is_dir()
    group = (GROUPS / "memory" if version_1 else GROUPS) / path.lstrip("/") / f"winnow-test-{os.getpid()}"
    limit = group / ("memory.limit_in_bytes" if version_1 else "memory.max")
    try:
        group.mkdir()
        limit.write_text(str(LIMIT_BYTES))
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        pytest.skip(f"no control group can be made here: {error}")
    yield group
    group.rmdir()


def counted_in(group: Path, program: str) -> tuple[int, str]:
    """Run a program from inside a group, and give its exit status and what it printed."""
    enter = f"open({str(group / 'cgroup.procs')!r}, 'w').write('0')\n"
    prelude = f"import sys\nsys.path[:0] = {sys.path!r}\n{enter}"
    done = subprocess.run([sys.executable, "-c", prelude + program], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_process_the_kernel_killed_for_want_of_memory_is_counted(tight_group: Path) -> None:
    watch = f"""
import subprocess
from workers.memory import kernel_kills
before = kernel_kills()
victim = subprocess.run([sys.executable, "-c", {EATS!r}])
print(victim.returncode, kernel_kills() - before)
"""
    assert counted_in(tight_group, watch) == (0, "-9 1\n")


def test_a_child_the_kernel_killed_for_want_of_memory_is_exhausted_and_its_supervisor_lives(
    tight_group: Path, tmp_path: Path
) -> None:
    supervise = f"""
from pathlib import Path
from workers.bell import Bell
from workers.child import Child
from workers.heartbeat import NO_ORDERS, Heartbeat, Rhythm
from workers.sandbox import Errand, Limits, Sandbox
from workers.supervisor import Patience, Supervisor
folder = Path({str(tmp_path)!r})
errand = Errand([sys.executable, "-I", "-c", {EATS!r}], folder, (), Limits(None))
with Bell() as bell, Heartbeat(lambda _: NO_ORDERS, rhythm=Rhythm(1, 60), bell=bell) as heart:
    supervisor = Supervisor(heart, patience=Patience(60, 60, 60), stop_requested=lambda: False)
    child = Child(Sandbox("none"), errand, log=folder / "log", bell=bell)
    print(supervisor.follow(child, purpose="search", take=print).kind)
"""
    assert counted_in(tight_group, supervise) == (0, "exhausted\n")


def test_the_memory_of_a_group_is_all_there_is_for_a_job_in_it(tight_group: Path) -> None:
    told = "from workers.memory import machine_memory_bytes; print(machine_memory_bytes())"
    assert counted_in(tight_group, told) == (0, f"{LIMIT_BYTES}\n")


def test_a_process_that_is_killed_by_hand_is_not_counted() -> None:
    before = kernel_kills()
    subprocess.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], check=False)
    assert kernel_kills() == before


@pytest.mark.parametrize(
    "printed",
    [
        b"Traceback ...\nMemoryError\n",
        b"terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n",
        b"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
        b"[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory",
        b"OSError: [Errno 12] Cannot allocate memory",
        b"ImportError: libtorch_cpu.so: failed to map segment from shared object",
    ],
)
def test_the_words_of_those_who_were_refused_memory_are_known(printed: bytes) -> None:
    assert said_out_of_memory(printed)


def test_other_last_words_are_not_about_memory() -> None:
    assert not said_out_of_memory(b"Segmentation fault\nKeyError: 'memory'\n")


def test_a_job_may_have_what_the_operator_set_and_else_all_there_is(tmp_path: Path) -> None:
    assert memory_bytes(Settings(home=tmp_path)) == machine_memory_bytes() > 0
    assert memory_bytes(Settings(home=tmp_path, slot_memory_bytes=123)) == 123

"""workers.child: what a child says and prints arrives whole and bounded, and nothing of it outlives the block."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workers.bell import Bell
from workers.child import MAX_LOG_BYTES, Child
from workers.sandbox import Sandbox

if TYPE_CHECKING:
    from tests.workers.conftest import Launch

NONE = Sandbox("none")


def to_the_end(child: Child) -> bytes:
    """Wait for a child to end and give all it said."""
    said = b""
    while child.exit_status is None:
        said += child.wait(10)
    return said


def test_all_that_was_said_arrives_before_the_end_is_told(launch: Launch) -> None:
    source = "import os\nfor n in range(3000): os.write(3, b'x' * 1000)"
    assert len(to_the_end(launch(source, sandbox=NONE))) == 3_000_000


@pytest.mark.parametrize(("source", "status"), [("raise SystemExit(4)", 4), ("import os; os.kill(os.getpid(), 9)", -9)])
def test_the_exit_status_is_told(source: str, status: int, launch: Launch) -> None:
    child = launch(source, sandbox=NONE)
    to_the_end(child)
    assert child.exit_status == status


def test_what_is_printed_goes_to_the_log_in_order(launch: Launch, tmp_path: Path) -> None:
    source = "import sys; print('out', flush=True); print('err', file=sys.stderr, flush=True); print('out again')"
    to_the_end(launch(source, sandbox=NONE))
    assert (tmp_path / "log").read_text() == "out\nerr\nout again\n"


def test_the_log_is_bounded(launch: Launch, tmp_path: Path) -> None:
    to_the_end(launch(f"print('x' * {MAX_LOG_BYTES + 100_000})", sandbox=NONE))
    assert (tmp_path / "log").stat().st_size == MAX_LOG_BYTES


def test_the_bell_ends_a_wait(launch: Launch, bell: Bell) -> None:
    child = launch("import time; time.sleep(60)", sandbox=NONE)
    bell.ring()
    assert child.wait(30) == b""
    assert child.exit_status is None


def test_the_block_leaves_no_process_of_the_group_behind(launch: Launch, tmp_path: Path) -> None:
    forks = "if os.fork() == 0: open('out/pid', 'w').write(str(os.getpid())); os.write(3, b'.')"
    child = launch(f"import os, time\n{forks}\ntime.sleep(60)", sandbox=NONE)
    with child:
        while not child.wait(10):
            assert child.exit_status is None
    grandchild = int((tmp_path / "out/pid").read_text())
    assert child.exit_status == -signal.SIGKILL
    deadline = time.monotonic() + 5  # it was sent its signal, which it may not have heard yet
    while _runs(grandchild) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _runs(grandchild)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_child_may_be_killed_again_after_its_end(launch: Launch) -> None:
    child = launch("", sandbox=NONE)
    to_the_end(child)
    child.kill()
    assert child.exit_status == 0


def test_a_child_is_not_started_from_a_thread_whose_end_would_end_it(launch: Launch) -> None:
    refused: list[str] = []

    def start() -> None:
        try:
            launch("", sandbox=NONE)
        except RuntimeError as error:
            refused.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert refused == ["expected to start a child from the main thread, whose end would end the child"]


def test_a_child_has_no_descriptors_but_its_own(launch: Launch, tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        child = launch("import os; os.write(3, ' '.join(sorted(os.listdir('/proc/self/fd'))).encode())", sandbox=NONE)
        told = to_the_end(child).decode().split()
    assert [int(number) for number in told][:4] == [0, 1, 2, 3]
    assert len(told) == 5  # the fifth is the listing itself

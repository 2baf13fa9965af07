"""service.operating.keeper: processes that are kept come back, slowly if they keep falling, and all go at the end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from service.operating.keeper import Keeper, Kept
from service.operating.tether import tethered

pytestmark = pytest.mark.processes

SLEEPS = "import time; time.sleep(600)"
STUBBORN = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"


def process(source: str) -> Callable[[], "subprocess.Popen[bytes]"]:
    return partial(subprocess.Popen, tethered([sys.executable, "-c", source]), stdout=subprocess.DEVNULL)


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_a_process_that_ends_is_started_again() -> None:
    with Keeper([Kept("one", process(SLEEPS))], grace_seconds=5) as keeper:
        until(keeper.pids)
        first = keeper.pids()["one"]
        os.kill(first, signal.SIGKILL)
        until(lambda: keeper.pids().get("one", first) != first)


def test_a_process_that_keeps_falling_is_started_ever_more_slowly(tmp_path: Path) -> None:
    falls = tmp_path / "falls"
    source = f"open({str(falls)!r}, 'a').write('x')"
    with Keeper([Kept("one", process(source))], grace_seconds=5):
        until(lambda: falls.exists() and len(falls.read_text()) >= 2)
        time.sleep(0.4)  # of the half second before the third start
        assert len(falls.read_text()) == 2


def test_a_process_that_refuses_is_not_started_again(tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    source = f"open({str(tries)!r}, 'a').write('x'); raise SystemExit(78)"
    with Keeper([Kept("one", process(source), refused=78)], grace_seconds=5) as keeper:
        until(lambda: tries.exists() and not keeper.pids())
        time.sleep(0.3)
    assert tries.read_text() == "x"


@pytest.mark.parametrize("source", [SLEEPS, STUBBORN], ids=["obedient", "stubborn"])
def test_none_is_left_at_the_end(source: str) -> None:
    with Keeper([Kept(name, process(source)) for name in ("one", "two")], grace_seconds=0.5) as keeper:
        until(lambda: len(keeper.pids()) == 2)
        pids = list(keeper.pids().values())
    assert all(gone(pid) for pid in pids)


def test_none_is_left_when_the_keeper_itself_is_killed(tmp_path: Path) -> None:
    program = f"""
import sys, time
sys.path[:0] = {sys.path!r}
import subprocess
from functools import partial
from service.operating.keeper import Keeper, Kept
from service.operating.tether import tethered
start = partial(subprocess.Popen, tethered([sys.executable, "-c", {SLEEPS!r}]))
with Keeper([Kept("one", start)], grace_seconds=5) as keeper:
    while not keeper.pids(): time.sleep(0.01)
    print(keeper.pids()["one"], flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout is not None
        kept = int(keeper.stdout.readline())
        keeper.kill()
    until(lambda: gone(kept))

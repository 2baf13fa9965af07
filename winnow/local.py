"""A service of one's own on this machine, for as long as a block lasts: for demos, measurements and tests.

Needs the extras `service` and `worker`; starts the operator's command as a process and imports nothing of it.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from winnow.errors import TransportError

START_SECONDS = 60.0
STOP_SECONDS = 90.0


@contextmanager
def serving(
    home: Path, *, slots: str = "auto", port: int = 0, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run a service on a home folder, give its address, and stop it cleanly at the end.

    Args:
        home: Everything is kept here; what it holds already is served again.
        slots: As `winnow-server up --slots` takes it.
        port: 0 picks a free one.
        environment: Of the service; None passes this process's on.

    Raises:
        TransportError: It ended, or did not answer, within a minute; its last words are in the message.
    """
    with tempfile.TemporaryDirectory(prefix="winnow-ready-") as folder:
        ready, log = Path(folder) / "ready.json", Path(folder) / "log"
        options = {"--home": home, "--port": port, "--slots": slots, "--ready-file": ready}
        command = [_server(), "up", *(str(word) for option in options.items() for word in option)]
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True
            )
        try:
            yield _url(process, ready, log)
        finally:
            stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask a service to end, and wait until it has; one that does not listen is killed."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _server() -> str:
    """Find the operator's command: the one installed beside this interpreter."""
    beside = Path(sys.executable).with_name("winnow-server")
    if not beside.is_file():
        raise TransportError(f"expected {beside}, got nothing there: install the extras service and worker")
    return str(beside)


def _url(process: "subprocess.Popen[bytes]", ready: Path, log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if ready.exists():
            return str(json.loads(ready.read_text())["url"])
        time.sleep(0.02)
    how = f"exit status {process.returncode}" if process.poll() is not None else f"silence for {START_SECONDS:.0f} s"
    raise TransportError(f"expected the service to start, got {how}: {log.read_text(errors='replace')[-2000:].strip()}")

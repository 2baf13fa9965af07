"""service.app: light to import, and it lets go of everything at the end."""

import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2

IMPORT = """
import sys
import service.app
print(*sorted(name for name in sys.modules if name.split(".")[0] in ("torch", "workers")))
"""


def test_importing_it_loads_no_torch() -> None:
    command = [sys.executable, "-c", IMPORT]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout
    assert said.strip() == ""


def test_it_ends_with_open_streams_and_leaves_no_thread(run_service: Any, tmp_path: Path, redis_url: str) -> None:
    before = set(threading.enumerate())
    with run_service(tmp_path, redis_url) as service:
        job_id = service.submit()["id"]
        began = threading.Event()

        def listen() -> None:
            headers = {"Accept": "text/event-stream"}
            address = f"{service.url}/v1/jobs/{job_id}/events"
            with suppress(httpx2.TransportError), httpx2.stream("GET", address, headers=headers) as answer:
                for _ in answer.iter_lines():
                    began.set()

        reader = threading.Thread(target=listen)
        reader.start()
        assert began.wait(10)
        ending = time.monotonic()
    reader.join(timeout=10)
    assert time.monotonic() - ending < 10
    named = {thread.name for thread in set(threading.enumerate()) - before}
    assert not named & {"hints", "sweep"}

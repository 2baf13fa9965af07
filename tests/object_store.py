"""An object store of the tests' own."""

import socket
import subprocess
import sys
import time
import urllib.request
from itertools import count
from pathlib import Path
from typing import Any

from tests.ending import end_with_parent


class ObjectStore:
    """A store of the S3 kind: moto's server, a process of its own."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._numbers = count()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, preexec_fn=end_with_parent
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.05)

    def bucket(self) -> dict[str, Any]:
        """Make an empty bucket and give the settings that name it."""
        name = f"winnow-{next(self._numbers)}"
        request = urllib.request.Request(f"{self.endpoint}/{name}", data=b"", method="PUT")
        urllib.request.urlopen(request, timeout=30).close()
        return {
            "blob_url": f"s3://{name}/some/prefix",
            "s3_endpoint": self.endpoint,
            "s3_access_key_id": "test-key",
            "s3_secret_access_key": "test-secret",
        }

    def stop(self) -> None:
        """Kill it with all it held."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)

"""A headless Chromium, driven over a pipe by its own DevTools protocol; knows no page."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)

Scheme = Literal["light", "dark"]


def find_chromium() -> str | None:
    """Find the program on PATH; None when there is none."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """One open page."""

    def __init__(self, commands: int, answers: int) -> None:
        """Take the descriptors that commands are written to and answers read from."""
        self._commands, self._answers = os.fdopen(commands, "wb", 0), os.fdopen(answers, "rb")
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.heard: list[dict[str, Any]] = []
        """What the page said of itself, in order: console, network, loading."""

    def open_page(self) -> None:
        """Open an empty page and listen to it."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def close(self) -> None:
        """Close the pipe; the program ends when it sees that."""
        self._commands.close()
        self._answers.close()

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and give its result; what comes in between is kept in `heard`."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        while (said := self._next()).get("id") != self._number:
            self.heard.append(said)
        if "error" in said:
            raise RuntimeError(f"{method}: {said['error']}")
        result: dict[str, Any] = said["result"]
        return result

    def visit(self, url: str, *, scheme: Scheme = "light", width: int = 1280, script: bool = True) -> None:
        """Load a page and wait until it has loaded."""
        self.heard.clear()
        self.ask("Emulation.setScriptExecutionDisabled", value=not script)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setScrollbarsHidden", hidden=True)
        self.ask("Page.navigate", url=url)
        while not any(said.get("method") == "Page.loadEventFired" for said in self.heard):
            self.heard.append(self._next())

    def value(self, expression: str) -> Any:
        """Evaluate an expression in the page, a promise too, and give what it comes to."""
        found = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return found["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """Write the whole page, however tall, as PNG."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    def complaints(self) -> list[str]:
        """List what the page complained of since it was loaded: errors, refused or failed requests."""
        self.ask("Runtime.evaluate", expression="0")
        found = []
        for said in self.heard:
            name, data = said.get("method"), said.get("params", {})
            if name == "Runtime.exceptionThrown":
                found.append(str(data["exceptionDetails"].get("text")))
            if name == "Log.entryAdded" and data["entry"]["level"] in ("error", "warning"):
                found.append(data["entry"]["text"])
            if name == "Runtime.consoleAPICalled" and data["type"] in ("error", "warning", "assert"):
                found.append(str(data["args"]))
        return found

    def requested(self) -> list[str]:
        """List every address the page asked for since it was loaded."""
        sent = [said["params"] for said in self.heard if said.get("method") == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = os.read(self._answers.fileno(), 1 << 20)
            if not piece:
                raise RuntimeError("expected an answer from Chromium, got the end of the pipe")
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        said: dict[str, Any] = json.loads(message)
        return said


# Chromium reads descriptor 3 and writes 4, whatever numbers the pipes have here; they are moved out of the way first.
_WIRE = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(read, 3), os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


@contextmanager
def browsing(program: str) -> Iterator[Browser]:
    """Run Chromium with a profile of its own, and end it with the block."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        (to_child, commands), (answers, from_child) = os.pipe(), os.pipe()
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _WIRE,
                str(to_child),
                str(from_child),
                program,
                *FLAGS,
                f"--user-data-dir={profile}",
            ],
            pass_fds=(to_child, from_child),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_child)
        os.close(from_child)
        browser = Browser(commands, answers)
        try:
            browser.open_page()
            yield browser
        finally:
            browser.close()
            process.terminate()
            process.wait()

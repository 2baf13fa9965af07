"""A real HTTP server that says what a test tells it to say, and remembers what it was asked."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from winnow import Client
from winnow.connection import Connection
from winnow.local import serving
from winnow.retries import Patience


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """Close the connection after this many bytes of the body."""


@dataclass
class Scripted:
    """Answers in the order given; the last is given again and again."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    naps: list[float] = field(default_factory=list)
    opened: list[Connection] = field(default_factory=list)

    def say(
        self, status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None, cut_after: int | None = None
    ) -> None:
        """Add an answer."""
        self.answers.append(Answer(status, body, headers or {}, cut_after))

    def say_json(self, document: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Add an answer that is a document, or from status 400 on a problem."""
        kind = "application/problem+json" if status >= 400 else "application/json"
        self.say(status, json.dumps(document).encode(), {"Content-Type": kind, **(headers or {})})

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def connection(self, patience: Patience | None = None) -> Connection:
        """Open a connection that naps without sleeping and draws the longest pause."""
        opened = Connection(self.url, "key", patience=patience, sleep=self.naps.append, chance=lambda: 1.0)
        self.opened.append(opened)
        return opened


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Scripted

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        answer = self.script.answer(Asked(self.command, self.path, dict(self.headers.items()), body))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body if answer.cut_after is None else answer.body[: answer.cut_after])
        if answer.cut_after is not None:
            self.close_connection = True

    do_HEAD = do_PUT = do_POST = do_GET  # noqa: N815 - names that http.server looks for

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def script() -> Iterator[Scripted]:
    scripted = Scripted()
    handler = type("Handler", (_Handler,), {"script": scripted})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    scripted.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield scripted
    for connection in scripted.opened:
        connection.close()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real service without slots: jobs stay queued."""
    with serving(tmp_path_factory.mktemp("service") / "home", slots="none") as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as opened:
        yield opened


@pytest.fixture
def submission() -> dict[str, Any]:
    return {
        "model": {"architecture": "lenet-300-100", "seed": 0},
        "dataset": {"uri": "builtin:digits"},
        "recipe": {"search": "iterative", "levels": 3, "seed": 0},
    }

"""A line between a slot and Redis that a test can silence, close or cut; what connects afterwards gets through."""

from __future__ import annotations

import select
import socket
import struct
import threading
from pathlib import Path
from types import TracebackType
from typing import Self


class Wire:
    """Carries TCP connections to a unix socket, each in a thread of its own."""

    def __init__(self, to: Path) -> None:
        self._to = to
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._lines: list[_Line] = []
        self._silenced: list[_Line] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.close()
        for line in self._silenced:
            line.hang_up()

    def silence(self) -> int:
        """Carry nothing any more in either direction and say nothing of it, as a firewall that forgot it."""
        return self._each("silent")

    def close(self) -> int:
        """Close what there is, in order, as a server that ends idle clients."""
        return self._each("closed")

    def cut(self) -> int:
        """Answer with a reset, as a proxy that was restarted."""
        return self._each("cut")

    def _each(self, end: str) -> int:
        with self._lock:
            lines, self._lines = self._lines, []
        ended = [line for line in lines if line.end(end)]
        if end == "silent":
            self._silenced += ended
        return len(ended)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self._to))
            except OSError:
                client.close()
                server.close()
                continue
            with self._lock:
                self._lines.append(_Line(client, server))


class _Line:
    """One connection, carried until its end is told or one side hangs up."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self._client, self._server = client, server
        self._end: str | None = None
        self._over = False
        """Whether a side hung up."""
        self._bell, self._ring = socket.socketpair()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def end(self, how: str) -> bool:
        """End it; False when it had ended by itself."""
        self._end = how
        self._ring.close()
        self._thread.join()
        self._bell.close()
        return not self._over

    def hang_up(self) -> None:
        """Close both sides."""
        self._client.close()
        self._server.close()

    def _carry(self) -> None:
        there = {self._client: self._server, self._server: self._client}
        while True:
            ready, _, _ = select.select([*there, self._bell], [], [])
            if self._bell in ready:
                break
            try:
                contents = [(there[source], source.recv(65536)) for source in ready if source in there]
                for to, content in contents:
                    to.sendall(content)
            except OSError:
                contents = []
            if not contents or not all(content for _, content in contents):
                self._over = True
                return self.hang_up()
        if self._end == "silent":
            return None  # both sides stay open, and nobody reads them
        if self._end == "cut":
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return self.hang_up()

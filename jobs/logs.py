"""What a process writes down of what it does: one line each, as text or as JSON, with what it is about.

Ids of the request, the job and the attempt are attached to every line written while they are at hand, whoever wrote it.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, TextIO

from jobs.redaction import redacted

OWN = ("jobs", "service", "workers")
"""Packages whose remarks are written; of others only warnings."""

_about: ContextVar[Mapping[str, str | int]] = ContextVar("about", default=MappingProxyType({}))
_work: dict[str, str | int] = {}
"""What this whole process is at, threads and all: a slot runs one job at a time."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(style: Literal["text", "json"], *, process: str, stream: TextIO | None = None) -> None:
    """Write the log of this process to a stream, standard error unless told otherwise.

    Args:
        style: `text` for people, `json` for machines: one object a line.
        process: Which process of the service it is, e.g. `api` or `cpu-0`; in every line.
        stream: Where to.
    """
    writer = logging.StreamHandler(stream or sys.stderr)
    writer.setFormatter(JSONLines(process) if style == "json" else TextLines(process))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(writer)
    root.setLevel(logging.WARNING)
    for package in OWN:
        logging.getLogger(package).setLevel(logging.INFO)


@contextmanager
def about(**what: str | int) -> Iterator[None]:
    """Attach ids to the lines of this task or thread for as long as the block lasts."""
    token = _about.set({**_about.get(), **what})
    try:
        yield
    finally:
        _about.reset(token)


@contextmanager
def working_on(**what: str | int) -> Iterator[None]:
    """Attach ids to the lines of the whole process for as long as the block lasts."""
    _work.update(what)
    try:
        yield
    finally:
        for name in what:
            _work.pop(name, None)


class JSONLines(logging.Formatter):
    """One JSON object a line: `at level process logger message`, ids, and `exception` where there is one."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        line = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
            **_ids(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return redacted(json.dumps(line, default=str))


class TextLines(logging.Formatter):
    """A line for people; nothing in a message can end it or begin another."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        ids = "".join(f" {name}={value}" for name, value in _ids(record).items())
        words = f"{record.levelname} {self._process} {record.name}: {record.getMessage()}{ids}"
        line = f"{_at(record)} {_CONTROL.sub(_escaped, words)}"
        return redacted(f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line)


def _ids(record: logging.LogRecord) -> dict[str, Any]:
    """Give what a line is about: of the process, of the task, and what its writer added with `extra`."""
    own = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return {**_work, **_about.get(), **own}


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _escaped(control: re.Match[str]) -> str:
    return control[0].encode("unicode_escape").decode("ascii")

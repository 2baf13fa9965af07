"""jobs.redaction: a secret in a text is cut short, whoever put it there; jobs.logs writes none."""

import io
import json
import logging
import secrets
from collections.abc import Iterator

import pytest

from jobs import logs
from jobs.access.keys import PREFIX, SECRET_BYTES
from jobs.redaction import redacted

SECRET = PREFIX + secrets.token_urlsafe(SECRET_BYTES)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in logs.OWN}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)


def test_every_secret_is_cut_short_and_nothing_else_is() -> None:
    assert redacted(f"GET /{SECRET}/x {SECRET}") == f"GET /{SECRET[:8]}…/x {SECRET[:8]}…"
    assert redacted("own_thing wn_short wn_") == "own_thing wn_short wn_"


@pytest.mark.parametrize("style", ["text", "json"])
def test_no_line_of_a_log_holds_one_wherever_it_came_from(style: str) -> None:
    written = io.StringIO()
    logs.configure(style, process="api", stream=written)  # type: ignore[arg-type]
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        logging.getLogger("service.test").exception("asked for %s", SECRET, extra={"path": f"/{SECRET}"})
    said = written.getvalue()
    assert SECRET not in said
    assert said.count(SECRET[:8]) >= 3
    if style == "json":
        assert set(json.loads(said)) >= {"message", "path", "exception"}

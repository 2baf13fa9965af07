"""jobs.logs: every line says what it is about, and no message can forge another line."""

import io
import json
import logging
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import logs


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in logs.OWN}
    yield
    root.handlers[:] = before
    root.setLevel(level)
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)


def written(style: str, *messages: str, **extra: object) -> list[str]:
    stream = io.StringIO()
    logs.configure(style, process="api", stream=stream)  # type: ignore[arg-type]
    for message in messages:
        logging.getLogger("service.test").info("%s", message, extra=extra)
    return stream.getvalue().splitlines()


@given(st.text())
def test_a_message_is_one_line_in_both_styles_whatever_it_holds(message: str) -> None:
    assert len(written("text", message)) == 1
    (line,) = written("json", message)
    assert json.loads(line)["message"] == message


def test_a_json_line_says_when_who_and_what() -> None:
    (line,) = written("json", "hello", request_id="req_1")
    said = json.loads(line)
    assert said["at"].endswith("Z")
    assert {k: said[k] for k in ("level", "process", "logger", "message", "request_id")} == {
        "level": "info",
        "process": "api",
        "logger": "service.test",
        "message": "hello",
        "request_id": "req_1",
    }


def test_ids_at_hand_are_attached_to_every_line_and_to_none_after() -> None:
    stream = io.StringIO()
    logs.configure("json", process="cpu-0", stream=stream)
    log = logging.getLogger("workers.test")
    with logs.working_on(job="job_1", attempt=2), logs.about(request_id="req_1"):
        log.info("inside")
        beside = threading.Thread(target=lambda: log.info("beside"))
        beside.start()
        beside.join()
    log.info("after")
    inside, beside_, after = map(json.loads, stream.getvalue().splitlines())
    assert (inside["job"], inside["attempt"], inside["request_id"]) == ("job_1", 2, "req_1")
    assert (beside_["job"], beside_["attempt"], beside_.get("request_id")) == ("job_1", 2, None)
    assert not {"job", "attempt", "request_id"} & set(after)


def test_an_exception_is_told_with_its_trace() -> None:
    stream = io.StringIO()
    logs.configure("json", process="api", stream=stream)
    try:
        raise ValueError("odd")
    except ValueError:
        logging.getLogger("jobs.test").exception("failed")
    said = json.loads(stream.getvalue())
    assert said["message"] == "failed"
    assert said["exception"].endswith("ValueError: odd")


def test_others_are_heard_from_warnings_on() -> None:
    stream = io.StringIO()
    logs.configure("text", process="api", stream=stream)
    logging.getLogger("sqlalchemy").info("chatter")
    logging.getLogger("sqlalchemy").warning("trouble")
    assert stream.getvalue().count("\n") == 1

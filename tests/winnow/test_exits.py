"""winnow.exits: the codes of the page, one meaning each, for ever."""

from typing import Any

import pytest

from winnow.errors import (
    ClientError,
    DigestError,
    TransportError,
    WaitTimeoutError,
    problem_error,
)
from winnow.exits import Exit, exit_of_error, exit_of_job


def test_no_code_ever_changes() -> None:
    assert {code.name: int(code) for code in Exit} == {
        "DONE": 0,
        "TRANSPORT": 1,
        "INVALID": 2,
        "TIMED_OUT": 3,
        "KEY": 4,
        "FAILED": 5,
        "GATE_MISSED": 6,
        "DIGEST": 7,
        "CANCELLED": 8,
        "QUOTA": 9,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    ("job", "code"),
    [
        ({"done": True, "state": "succeeded", "gate": {"outcome": "passed"}}, Exit.DONE),
        ({"done": True, "state": "succeeded", "gate": None}, Exit.DONE),
        ({"done": True, "state": "succeeded", "gate": {"outcome": "missed"}}, Exit.GATE_MISSED),
        ({"done": True, "state": "failed"}, Exit.FAILED),
        ({"done": True, "state": "cancelled"}, Exit.CANCELLED),
        ({"done": False, "state": "running"}, Exit.TIMED_OUT),
    ],
)
def test_a_job_ends_with_its_code(job: dict[str, Any], code: Exit) -> None:
    assert exit_of_job(job) is code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TransportError("x"), Exit.TRANSPORT),
        (WaitTimeoutError("x", {}), Exit.TIMED_OUT),
        (DigestError("x"), Exit.DIGEST),
        (problem_error(401, {}), Exit.KEY),
        (problem_error(403, {}), Exit.KEY),
        (problem_error(404, {}), Exit.INVALID),
        (problem_error(409, {}), Exit.INVALID),
        (problem_error(422, {}), Exit.INVALID),
        (problem_error(429, {}), Exit.QUOTA),
        (problem_error(503, {}), Exit.TRANSPORT),
    ],
)
def test_an_error_ends_with_its_code(error: ClientError, code: Exit) -> None:
    assert exit_of_error(error) is code

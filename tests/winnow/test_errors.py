"""winnow.errors: every refusal becomes the error its status names, and says the field."""

import pytest

from ticketing.errors import WinnowError
from winnow.errors import (
    ConflictError,
    InvalidRequestError,
    KeyRefusedError,
    NotFoundError,
    RateLimitError,
    ServiceError,
    problem_error,
)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequestError),
        (401, KeyRefusedError),
        (403, KeyRefusedError),
        (404, NotFoundError),
        (409, ConflictError),
        (413, InvalidRequestError),
        (422, InvalidRequestError),
        (429, RateLimitError),
        (500, ServiceError),
        (503, ServiceError),
    ],
)
def test_a_status_names_its_error(status: int, kind: type[WinnowError]) -> None:
    assert type(problem_error(status, {"code": "x"})) is kind


def test_the_message_names_the_pointer_what_was_expected_and_the_words_allowed() -> None:
    fault = {"pointer": "/recipe/search", "code": "unknown_search", "detail": "got 'x'", "allowed": ["iterative"]}
    error = problem_error(422, {"code": "invalid_recipe", "detail": "one field is wrong", "errors": [fault]})
    assert error.word == "invalid_recipe"
    assert str(error) == "invalid_recipe: one field is wrong\n  /recipe/search: got 'x' (allowed: iterative)"


def test_a_single_fault_that_the_detail_says_already_is_not_said_twice() -> None:
    fault = {"pointer": "/recipe/levels", "code": "out_of_bounds", "detail": "got 0"}
    body = {"code": "invalid_recipe", "detail": "/recipe/levels: got 0", "errors": [fault]}
    error = problem_error(422, body)
    assert str(error) == "invalid_recipe: /recipe/levels: got 0"
    assert error.faults[0].pointer == "/recipe/levels"


@pytest.mark.parametrize("body", [None, "text", [1], {"errors": "no list"}])
def test_a_body_that_is_no_problem_still_gives_an_error(body: object) -> None:
    assert problem_error(500, body).faults == ()

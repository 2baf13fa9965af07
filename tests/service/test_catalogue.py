"""service.catalogue: every kind of problem is an error that says what to do."""

import pytest

from service.catalogue import PROBLEMS


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_kind_is_an_error_and_says_what_to_do_in_sentences(code: str) -> None:
    assert 400 <= PROBLEMS[code].status < 600
    assert PROBLEMS[code].meaning.endswith(".")

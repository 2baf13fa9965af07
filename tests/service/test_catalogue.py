"""service.catalogue: one section per problem, in the docs as in the code."""

from pathlib import Path

import pytest

from service.catalogue import FAILURES, PROBLEMS, as_markdown
from ticketing import errors

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
ERROR_CODES = sorted({kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")})


def test_the_page_in_docs_is_the_one_the_catalogue_writes() -> None:
    assert PAGE.read_text() == as_markdown()


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_code_has_a_heading(code: str) -> None:
    assert f"\n### {code}\n" in PAGE.read_text()


@pytest.mark.parametrize("code", ERROR_CODES)
def test_every_way_a_run_can_fail_is_explained(code: str) -> None:
    assert code in FAILURES


@pytest.mark.parametrize(("code", "kind"), PROBLEMS.items())
def test_every_kind_is_an_error_and_says_what_to_do_in_sentences(code: str, kind: object) -> None:
    assert 400 <= PROBLEMS[code].status < 600
    assert PROBLEMS[code].meaning.endswith(".")

"""service.errors_page: one section per problem, in the docs as in the code."""

from pathlib import Path

import pytest

from service.catalogue import PROBLEMS
from service.errors_page import as_markdown

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def test_the_page_in_docs_is_the_one_that_is_written() -> None:
    assert PAGE.read_text() == as_markdown()


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_code_has_a_heading(code: str) -> None:
    assert f"\n### {code}\n" in PAGE.read_text()

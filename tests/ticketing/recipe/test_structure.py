"""ticketing.recipe.structure: N:M is read, written back as it came, and decides how many levels there are."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ticketing.errors import RecipeError
from ticketing.plans.parsing import parse_recipe
from ticketing.recipe import Iterative, NOfM
from ticketing.recipe.structure import STRUCTURE_WORDS, as_n_of_m


def recipe(**fields: Any) -> Iterative:
    return Iterative.model_validate({"search": "iterative"} | fields)


@given(st.integers(0, 20), st.integers(0, 20))
def test_n_of_m_is_one_or_more_below_m_and_m_at_most_sixteen(kept: int, block: int) -> None:
    found = as_n_of_m(f"{kept}:{block}")
    assert (found is not None) == (1 <= kept < block <= 16)
    assert found is None or (found.kept, found.block, found.most_levels) == (kept, block, block - kept)


@pytest.mark.parametrize("word", ["", "2", "2:", "02:4", "2:4:8", " 2:4", "2:4\n", "2.0:4", "block", None, 2, ["2:4"]])
def test_anything_else_is_refused(word: Any) -> None:
    assert as_n_of_m(word) is None
    with pytest.raises(ValidationError):
        recipe(structure=word)


def test_a_refusal_names_the_field_and_what_it_takes() -> None:
    with pytest.raises(RecipeError, match=r"N:M with 1 <= N < M <= 16 such as '2:4', got '4:4'") as caught:
        parse_recipe({"search": "iterative", "structure": "4:4"})
    assert {fault.pointer for fault in caught.value.faults} == {"/recipe/structure"}


@pytest.mark.parametrize("word", ["weight", "2:4", "15:16"])
def test_a_recipe_written_out_reads_back(word: str) -> None:
    written = recipe(structure=word).model_dump(mode="json")
    assert written["structure"] == word
    assert recipe(**written) == recipe(structure=word)


@pytest.mark.parametrize(("word", "levels"), [("2:4", 2), ("1:4", 3), ("4:8", 4), ("1:16", 15), ("weight", 10)])
def test_without_a_number_of_levels_each_takes_one_input_of_every_block(word: str, levels: int) -> None:
    assert recipe(structure=word).levels == levels
    assert recipe(structure=word, levels=1).levels == 1


def test_blocks_are_of_n_of_m_alone() -> None:
    assert (recipe().block, recipe(structure=NOfM("2:4")).block) == (None, 4)


def test_the_schema_says_what_each_form_is() -> None:
    described = Iterative.model_json_schema()["properties"]["structure"]
    assert described["x-words"] == STRUCTURE_WORDS
    words, blocks = described["anyOf"]
    assert [*words["enum"], "N:M"] == list(STRUCTURE_WORDS)
    assert re.fullmatch(blocks["pattern"], "2:4")
    assert not re.fullmatch(blocks["pattern"], "2:17")

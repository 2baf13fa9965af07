"""ticketing.recipe.faults: where a document is wrong, as a JSON pointer, and never more of it than a short value."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ticketing.errors import Fault
from ticketing.recipe.faults import faults_of


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: Annotated[int, Field(ge=1)] = 1
    word: Literal["a", "b"] = "a"


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid")
    parts: list[Inner] = []
    by_name: dict[str, Inner] = {}


def faults(**document: Any) -> list[Fault]:
    with pytest.raises(ValidationError) as refused:
        Document.model_validate(document)
    return faults_of(refused.value, at="/at")


def test_points_into_lists_and_parts() -> None:
    assert faults(parts=[{}, {"size": 0}])[0].pointer == "/at/parts/1/size"


def test_a_name_with_a_slash_is_escaped() -> None:
    assert faults(by_name={"x/y~z": {"size": 0}})[0].pointer == "/at/by_name/x~1y~0z/size"


def test_lists_the_words_allowed() -> None:
    assert faults(parts=[{"word": "c"}])[0].allowed == ("a", "b")


def test_an_unknown_field_is_named() -> None:
    assert faults(colour=1) == [Fault("/at/colour", "unknown_field", "no such field: 'colour'")]


def test_every_fault_is_told() -> None:
    assert [fault.pointer for fault in faults(parts=[{"size": 0, "word": 3}])] == [
        "/at/parts/0/size",
        "/at/parts/0/word",
    ]


def test_a_long_value_is_not_sent_back() -> None:
    assert len(faults(parts=[{"size": "9" * 10_000}])[0].detail) < 200

"""winnow.submission: what was typed becomes exactly the body it stands for."""

from pathlib import Path
from typing import Any

import pytest

from winnow.submission import data_of, gates_of, pairs, put, recipe_of

NOTHING: dict[str, Any] = {
    "search": None, "sparsity": None, "levels": None, "evidence": None, "seed": None, "settings": (),
}  # fmt: skip


def test_nothing_typed_is_the_iterative_search() -> None:
    assert recipe_of({}, **NOTHING) == {"search": "iterative"}


def test_what_is_typed_lies_over_the_file() -> None:
    base = {"search": "iterative", "levels": 3, "training": {"batch_size": 60, "length": "5ep"}}
    recipe = recipe_of(base, **NOTHING | {"levels": 7, "settings": ["training.length=20ep"]})
    assert recipe["levels"] == 7
    assert recipe["training"] == {"batch_size": 60, "length": "20ep"}
    assert base["training"] == {"batch_size": 60, "length": "5ep"}


def test_a_sparsity_is_a_target() -> None:
    assert recipe_of({}, **NOTHING | {"sparsity": 0.9})["target"] == {"sparsity": 0.9}


@pytest.mark.parametrize(
    ("text", "value"), [("a=5", 5), ("a=true", True), ("a=[3,32]", [3, 32]), ("a=20ep", "20ep"), ("a=x=y", "x=y")]
)
def test_a_value_that_is_json_is_read_as_json(text: str, value: Any) -> None:
    assert pairs([text]) == {"a": value}


@pytest.mark.parametrize("text", ["a", "=5", ""])
def test_a_text_that_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected key=value"):
        pairs([text])


def test_a_field_below_something_that_is_no_object_is_refused() -> None:
    with pytest.raises(ValueError, match="evidence"):
        put({"evidence": "quick"}, "evidence.replicates", 3)


def test_a_file_and_a_uri_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "d.npz").write_bytes(b"")
    assert data_of("builtin:digits") == (None, "builtin:digits")
    assert data_of(str(tmp_path / "d.npz")) == (tmp_path / "d.npz", None)
    with pytest.raises(ValueError, match="expected a file"):
        data_of(str(tmp_path / "missing.npz"))


def test_only_the_gates_asked_for_are_named() -> None:
    none = {"min_sparsity": None, "max_bytes": None}
    assert gates_of(max_drop=0.0, max_latency_ms=None, **none) == {"max_accuracy_drop": 0.0}
    assert gates_of(max_drop=None, max_latency_ms=2.5, **none) == {"max_latency_ms": 2.5}

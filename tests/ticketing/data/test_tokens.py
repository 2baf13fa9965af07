"""ticketing.data.tokens: whole numbers in one row, summed up; what is no text is refused by name and place."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ticketing.data.canonical import Summary, load_canonical
from ticketing.data.inspection import inspect_upload
from ticketing.errors import DataError


def upload(folder: Path, **replaced: Any) -> tuple[Summary, Path]:
    arrays = {"tokens_train": np.arange(30) % 7, "tokens_test": np.arange(8, dtype=np.uint8)}
    np.savez(folder / "t.npz", **{name: array for name, array in (arrays | replaced).items() if array is not None})
    return inspect_upload(folder / "t.npz", folder / "data", name="text"), folder / "data"


def test_says_what_is_there(tmp_path: Path) -> None:
    summary, _ = upload(tmp_path)
    assert (summary.task, summary.shape, summary.dtype, summary.classes) == ("next_token", (), "int32", 8)
    assert (summary.splits, summary.resolution) == ({"train": 30, "test": 8}, 1 / 8)


def test_the_canonical_file_holds_the_tokens_and_the_summary(tmp_path: Path) -> None:
    summary, path = upload(tmp_path, tokens_validation=np.array([3, 1, 2]), class_names=np.array(list("abcdefgh")))
    canonical = load_canonical(path)
    assert canonical.summary == summary
    assert {name: array.tolist() for name, array in canonical.arrays.items()} == {
        "tokens_train": [i % 7 for i in range(30)],
        "tokens_validation": [3, 1, 2],
        "tokens_test": list(range(8)),
    }
    assert "".join(summary.class_names) == "abcdefgh"


def test_the_text_of_a_token_is_cut_at_200_characters(tmp_path: Path) -> None:
    summary, _ = upload(tmp_path, class_names=np.array([letter * 201 for letter in "abcdefgh"]))
    assert summary.class_names == tuple(letter * 200 for letter in "abcdefgh")


def test_rows_are_joined_in_their_order(tmp_path: Path) -> None:
    rows = np.arange(30).reshape(5, 6) % 7
    assert upload(tmp_path, tokens_train=rows)[0].fingerprint == upload(tmp_path)[0].fingerprint


def test_the_fingerprint_depends_on_every_token(tmp_path: Path) -> None:
    first = upload(tmp_path)[0].fingerprint
    assert upload(tmp_path, tokens_test=np.array([0, 1, 2, 3, 4, 5, 6, 6]))[0].fingerprint != first
    assert upload(tmp_path, unrelated=np.ones(3))[0].fingerprint == first


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"tokens_test": None}, "none named tokens_test"),
        ({"tokens_test": np.array([1])}, "tokens_test: expected at least two tokens, got 1"),
        ({"tokens_train": np.array([0, 3, -2, 5])}, "got -2 at position 2"),
        ({"tokens_train": np.array([0, 100_000])}, "from 0 to 99999, got 100000 at position 1"),
        ({"tokens_train": np.array([0.0, 1.0])}, "whole numbers in one or two dimensions, got float64"),
        ({"tokens_train": np.zeros((2, 2, 2), int)}, r"whole numbers in one or two dimensions, got int64 \(2, 2, 2\)"),
        ({"tokens_train": np.zeros(9, int), "tokens_test": np.zeros(9, int)}, "at least two tokens that differ"),
        ({"class_names": np.array(["a"])}, "class_names: expected 8 strings"),
        ({"x_train": np.zeros((3, 2))}, "either x_train or tokens_train, got both"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, arrays: dict[str, Any], expected: str) -> None:
    with pytest.raises(DataError, match=expected):
        upload(tmp_path, **arrays)

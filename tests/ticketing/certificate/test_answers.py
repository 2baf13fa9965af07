"""ticketing.certificate.answers: of a file of answers only what is asked for is unpacked, and only what it holds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from ticketing.certificate.answers import read_answers
from ticketing.errors import VerificationError

PLACES = [f"{branch}/{moment}" for branch in ("dense/0", "ticket/1", "ticket/2") for moment in ("best", "last")]


def written(path: Path, rows: Mapping[str, Any], examples: int, **layout: Any) -> Path:
    file = path / "answers.safetensors"
    save_file(dict(rows), file, metadata={"winnow": json.dumps({"examples": examples, **layout})})
    return file


def bits(replicates: int, examples: int) -> Any:
    return np.random.default_rng(examples).random((replicates, examples)) < 0.5


@given(replicates=st.integers(1, 4), examples=st.integers(1, 40))
def test_what_was_packed_reads_back(tmp_path_factory: pytest.TempPathFactory, replicates: int, examples: int) -> None:
    rows = bits(replicates, examples)
    packed = np.packbits(rows, axis=1, bitorder="little")
    found = read_answers(written(tmp_path_factory.mktemp("answers"), dict.fromkeys(PLACES, packed), examples))
    assert all(np.array_equal(found[place], rows) for place in PLACES)


def test_a_level_comes_with_the_dense_network_alone(tmp_path: Path) -> None:
    path = written(tmp_path, dict.fromkeys(PLACES, np.zeros((1, 2), np.uint8)), 16)
    assert set(read_answers(path, level=2)) == {place for place in PLACES if "ticket/1" not in place}


def test_more_than_may_be_unpacked_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, dict.fromkeys(PLACES, np.zeros((3, 2), np.uint8)), 16)
    assert len(read_answers(path, level=1, most=4 * 3 * 16)) == 4
    with pytest.raises(VerificationError, match=r"at most 191 answers in answers\.safetensors, got 192"):
        read_answers(path, level=1, most=191)


@pytest.mark.parametrize(
    ("rows", "layout"),
    [
        (np.zeros((1, 2), np.uint8), {"examples": 17}),
        (np.zeros((1, 2), np.uint8), {"examples": 8}),
        (np.zeros((1, 2), np.uint8), {"examples": 16, "predictions": 10**12}),
        (np.zeros((1, 2), np.float32), {"examples": 16}),
        (np.zeros(2, np.uint8), {"examples": 16}),
    ],
)
def test_rows_of_another_length_than_the_file_says_are_refused_before_they_are_unpacked(
    tmp_path: Path, rows: Any, layout: dict[str, int]
) -> None:
    with pytest.raises(VerificationError, match="packed bits in dense/0/best"):
        read_answers(written(tmp_path, {"dense/0/best": rows}, **layout))


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "answers.safetensors").write_bytes(b"not a file of tensors")
    with pytest.raises(VerificationError, match="a file of ours"):
        read_answers(tmp_path / "answers.safetensors")

"""ticketing.architectures.headers: an honest header is read, any other refused with its reason, in little memory."""

import json
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from ticketing.architectures import inventory
from ticketing.architectures.headers import MAX_HEADER_BYTES, Header, TensorEntry, compare, read_header
from ticketing.errors import ModelError

A = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
B = {"dtype": "U8", "shape": [4], "data_offsets": [24, 28]}
TINY = inventory("mlp", {"in_features": 2, "hidden": [], "classes": 3})


def written(path: Path, header: Any, *, data: int = 28, length: int | None = None) -> Path:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw) if length is None else length) + raw + bytes(data))
    return path


def test_reads_what_safetensors_writes(tmp_path: Path) -> None:
    tensors = {"fc1.weight": torch.zeros(3, 2), "fc1.bias": torch.zeros(3), "n": torch.tensor(1), "none": torch.ones(0)}
    save_file(tensors, tmp_path / "m", metadata={"made": "here"})
    header = read_header(tmp_path / "m")
    assert header.metadata == {"made": "here"}
    assert {name: entry.shape for name, entry in header.tensors.items()} == {
        n: tuple(t.shape) for n, t in tensors.items()
    }
    assert header.tensors["n"].dtype == "I64"


def test_an_honest_header_made_by_hand_is_read(tmp_path: Path) -> None:
    header = read_header(written(tmp_path / "m", {"a": A, "b.c": B}))
    assert header == Header({"a": TensorEntry("F32", (2, 3), 0, 24), "b.c": TensorEntry("U8", (4,), 24, 28)}, {})


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b'{"a":1,"a":2}', "'a' is given twice"),
        (b'{"a":{"dtype":"F32","dtype":"U8"}}', "'dtype' is given twice"),
        (b"{" * 100_000, "not JSON"),
        (b"{]", "not JSON"),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b'[{"a":1}]', "begin with"),
        (b"{\xff}", "not JSON"),
        ({"a": A, "__metadata__": {"n": 1}}, "__metadata__"),
        ({"a": A, "b": B | {"more": 1}}, "b: expected dtype, shape and data_offsets"),
        ({"a": A, "b": B | {"dtype": "F8"}}, "b: expected a dtype of"),
        ({"a": A, "b": B | {"dtype": ["U8"]}}, "b: expected a dtype of"),
        ({"a": A, "b": B | {"shape": [-4]}}, "b: expected a shape"),
        ({"a": A, "b": B | {"shape": [True, 4]}}, "b: expected a shape"),
        ({"a": A, "b": B | {"shape": [2**60, 2**60]}}, "b: expected a shape"),
        ({"a": A, "b": B | {"shape": [1] * 9}}, "b: expected a shape"),
        ({"a": A, "b": B | {"shape": [5]}}, "b: expected 5 bytes, got 4"),
        ({"a": A, "b": B | {"data_offsets": [28, 24]}}, "b: expected data_offsets"),
        ({"a": A, "b": B | {"data_offsets": [24.0, 28.0]}}, "b: expected data_offsets"),
        ({"a": A, "b": B | {"data_offsets": [20, 24]}}, "b: expected its bytes to begin at 24"),
        ({"a": A, "b": B | {"data_offsets": [25, 29]}}, "b: expected its bytes to begin at 24"),
        ({"a": A}, "fill the 28 bytes behind the header, got 24"),
        ({"a": A, "../b": B}, "tensor names"),
        ({"a": A, "b..c": B}, "tensor names"),
        ({"a": A, "b\n": B}, "tensor names"),
        ({"a": A, "": B}, "tensor names"),
        ({"a": A, "b" * 513: B}, "tensor names"),
    ],
)
def test_a_dishonest_header_is_refused_with_its_reason(tmp_path: Path, header: Any, reason: str) -> None:
    with pytest.raises(ModelError) as refused:
        read_header(written(tmp_path / "m", header))
    assert reason in str(refused.value)


@pytest.mark.parametrize("length", [1000, MAX_HEADER_BYTES + 1, 2**63, 2**64 - 1])
def test_a_header_longer_than_the_file_or_the_bound_is_refused_unread(tmp_path: Path, length: int) -> None:
    with pytest.raises(ModelError, match=str(length)):
        read_header(written(tmp_path / "m", {"a": A, "b": B}, length=length))


def test_too_many_tensors_are_refused(tmp_path: Path) -> None:
    nothing = {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}
    with pytest.raises(ModelError, match="at most 100000 tensors, got 100001"):
        read_header(written(tmp_path / "m", {str(n): nothing for n in range(100_001)}, data=0))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "m"
    path.write_bytes(content)
    with suppress(ModelError):  # and nothing else, such as a MemoryError
        assert isinstance(read_header(path), Header)


def of(**shapes: tuple[str, tuple[int, ...]]) -> Header:
    return Header({n.replace("_", "."): TensorEntry(d, s, 0, 0) for n, (d, s) in shapes.items()}, {})


def test_the_architectures_own_tensors_compare_equal() -> None:
    compare(of(fc1_bias=("F32", (3,)), fc1_weight=("F32", (3, 2))), TINY)


def test_every_missing_unexpected_and_misshapen_tensor_is_told() -> None:
    with pytest.raises(ModelError) as refused:
        compare(of(fc1_weight=("F32", (2, 3)), fc2_weight=("F32", (3, 2))), TINY)
    assert [fault.detail for fault in refused.value.faults] == [
        "fc1.bias: expected F32 [3], got nothing",
        "fc2.weight: not expected, got F32 [3, 2]",
        "fc1.weight: expected F32 [3, 2], got F32 [2, 3]",
    ]


def test_another_dtype_is_told() -> None:
    with pytest.raises(ModelError, match=r"expected F32 \[3\], got F64 \[3\]"):
        compare(of(fc1_weight=("F32", (3, 2)), fc1_bias=("F64", (3,))), TINY)


def test_a_thousand_faults_are_told_as_fifty() -> None:
    with pytest.raises(ModelError) as refused:
        compare(of(**{f"x{n}": ("F32", (1,)) for n in range(1000)}), TINY)
    assert len(refused.value.faults) == 50
    assert refused.value.faults[-1].detail == "and 953 tensors more"

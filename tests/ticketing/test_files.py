"""ticketing.files: all of a file or what was there before."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ticketing.files import sha256_of, write_tensors, write_whole


def test_a_file_is_written_with_the_folders_it_needs(tmp_path: Path) -> None:
    write_whole(tmp_path / "levels/00/metrics.json", b"{}")
    assert (tmp_path / "levels/00/metrics.json").read_bytes() == b"{}"


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"a": torch.ones(1)}, metadata="{}")
    with pytest.raises(RuntimeError, match="memory format"):
        write_tensors(path, {"a": torch.eye(3).to_sparse()}, metadata="{}")
    assert load_file(path)["a"].tolist() == [1.0]
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_equal_tensors_make_equal_bytes(tmp_path: Path) -> None:
    tensors = {name: torch.arange(5.0) for name in "abcdefgh"}
    for copy in ("one", "other"):
        write_tensors(tmp_path / copy, tensors, metadata='{"a":1,"b":2}')
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_a_transposed_tensor_is_written_as_it_reads(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a", {"a": torch.arange(6.0).reshape(2, 3).t()}, metadata="{}")
    assert load_file(tmp_path / "a")["a"].tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"abc")
    assert sha256_of(tmp_path / "a").startswith("ba7816bf8f01cfea")

"""ticketing.data.canonical: a file is read back equal, and any other file refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from ticketing.data.canonical import KEY, Canonical, load_canonical
from ticketing.data.inspection import inspect_upload
from ticketing.errors import DataError


@pytest.fixture
def canonical_file(tmp_path: Path) -> Path:
    x = np.random.default_rng(0).random((12, 4))
    arrays = {f"x_{split}": x for split in ("train", "validation", "test")}
    np.savez(tmp_path / "d.npz", **arrays, y_train=np.arange(12) % 2, y_validation=np.ones(12), y_test=np.zeros(12))
    inspect_upload(tmp_path / "d.npz", tmp_path / "data.safetensors", name="small")
    return tmp_path / "data.safetensors"


def test_splits_come_back_as_they_were(canonical_file: Path) -> None:
    canonical = load_canonical(canonical_file)
    assert list(canonical.arrays) == ["x_train", "y_train", "x_validation", "y_validation", "x_test", "y_test"]
    x, y = canonical.split("validation")
    assert (x.shape, x.dtype, y.tolist()) == ((12, 4), torch.float32, [1] * 12)


def test_a_summary_is_plain_json(canonical_file: Path) -> None:
    written = load_canonical(canonical_file).summary.model_dump(mode="json")
    assert written["shape"] == [4]
    assert written["splits"] == {"train": 12, "validation": 12, "test": 12}


def test_a_cut_file_is_refused(canonical_file: Path) -> None:
    canonical_file.write_bytes(canonical_file.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"data\.safetensors"):
        load_canonical(canonical_file)


@pytest.mark.parametrize("metadata", [None, {KEY: "{}"}, {KEY: "no json"}], ids=str)
def test_a_file_without_its_summary_is_refused(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    save_file({"x_train": torch.ones(2)}, tmp_path / "d", metadata=metadata)
    with pytest.raises(DataError, match="canonical dataset in d"):
        load_canonical(tmp_path / "d")


def test_a_file_without_an_array_of_its_summary_is_refused(canonical_file: Path) -> None:
    canonical: Canonical = load_canonical(canonical_file)
    arrays = {name: tensor.clone() for name, tensor in canonical.arrays.items() if name != "y_test"}
    save_file(arrays, canonical_file, metadata={KEY: canonical.summary.model_dump_json()})
    with pytest.raises(DataError, match="y_test"):
        load_canonical(canonical_file)

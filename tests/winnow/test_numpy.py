"""winnow.numpy: a ticket file reads back as what was found, with NumPy alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import save, save_file

from ticketing.errors import VerificationError
from winnow.numpy import normalised, read_mask, read_slim, read_sparse, read_sparse_mask

KEPT = np.array([[True, False, True], [False, False, True]])
VALUES = np.array([1.5, 0.0, -2.0], np.float32)


def _layout(**kept: NDArray[np.bool_]) -> dict[str, str]:
    shapes = {name: list(bits.shape) for name, bits in kept.items()}
    return {"winnow": json.dumps({"shapes": shapes, "kept": {name: int(bits.sum()) for name, bits in kept.items()}})}


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.packbits(bits.reshape(-1), bitorder="little")


@pytest.fixture
def sparse(tmp_path: Path) -> Path:
    tensors: dict[str, NDArray[Any]] = {
        "fc.weight.bitmask": _packed(KEPT),
        "fc.weight.values": VALUES,
        "fc.bias": np.array([7.0], np.float32),
    }
    save_file(tensors, tmp_path / "sparse.safetensors", _layout(**{"fc.weight": KEPT}))
    return tmp_path / "sparse.safetensors"


def test_a_mask_by_hand_reads_as_its_bits(tmp_path: Path) -> None:
    # Bits 0, 2 and 5 of one byte: 1 + 4 + 32.
    save_file({"fc.weight": np.array([37], np.uint8)}, tmp_path / "m", _layout(**{"fc.weight": KEPT}))
    assert read_mask(tmp_path / "m")["fc.weight"].tolist() == KEPT.tolist()


@given(shape=st.lists(st.integers(1, 7), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_every_mask_comes_back(shape: list[int], seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    bits = np.random.default_rng(seed).random(shape) < 0.5
    path = tmp_path_factory.mktemp("mask") / "m"
    path.write_bytes(save({"w": _packed(bits)}, _layout(w=bits)))
    assert np.array_equal(read_mask(path)["w"], bits)


def test_kept_values_stand_where_the_mask_says_also_those_that_are_zero(sparse: Path) -> None:
    dense = read_sparse(sparse)
    assert dense["fc.weight"].tolist() == [[1.5, 0.0, 0.0], [0.0, 0.0, -2.0]]
    assert dense["fc.bias"].tolist() == [7.0]
    assert sorted(dense) == ["fc.bias", "fc.weight"]


def test_the_mask_of_a_sparse_model_is_not_guessed_from_zeros(sparse: Path) -> None:
    assert read_sparse_mask(sparse)["fc.weight"].tolist() == KEPT.tolist()


def test_a_count_that_disagrees_is_refused(tmp_path: Path) -> None:
    save_file(
        {"w": _packed(~KEPT)}, tmp_path / "m", {"winnow": json.dumps({"shapes": {"w": [2, 3]}, "kept": {"w": 2}})}
    )
    with pytest.raises(VerificationError, match="expected 2 kept entries in w, got 3"):
        read_mask(tmp_path / "m")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    save_file({"w": VALUES}, tmp_path / "m")
    with pytest.raises(VerificationError, match="shapes"):
        read_mask(tmp_path / "m")


@pytest.mark.parametrize("shape", [(4, 2), (4, 2, 3, 3)])
def test_examples_are_normalised_by_what_the_file_says(tmp_path: Path, shape: tuple[int, ...]) -> None:
    about = {"shapes": {}, "kept": {}, "inputs": {"mean": [10.0, 0.0], "std": [2.0, 1.0]}}
    save_file({"b": np.zeros(1, np.float32)}, tmp_path / "model.safetensors", {"winnow": json.dumps(about)})
    x = np.full(shape, 14, np.uint8)
    made = normalised(x, tmp_path / "model.safetensors")
    assert (made.dtype, made.shape) == (np.float32, shape)
    assert np.unique(made[:, 0]).tolist() == [2.0]
    assert np.unique(made[:, 1]).tolist() == [14.0]
    with pytest.raises(VerificationError, match=r"expected \(examples, 2, \.\.\.\), got \(4, 3\)"):
        normalised(np.zeros((4, 3)), tmp_path / "model.safetensors")


def test_a_file_that_does_not_say_how_is_refused(sparse: Path) -> None:
    with pytest.raises(VerificationError, match="to say the mean of its inputs"):
        normalised(np.zeros((4, 2)), sparse)


@pytest.fixture
def slim(tmp_path: Path) -> dict[str, Any]:
    """What `slim.json` says of a layer of three outputs whose first is gone, beside the layer."""
    layout = {"shapes": {"w": [2, 2]}, "whole_shapes": {"w": [3, 2]}, "format": "winnow/slim", "version": 1}
    save_file({"w": VALUES[[0, 1, 1, 2]].reshape(2, 2)}, tmp_path / "slim.safetensors", {"winnow": json.dumps(layout)})
    return {
        "format": "winnow/slim",
        "version": 1,
        "tensors": {"w": {"whole": [3, 2], "kept": {"0": [1, 2]}}},
        "layers": {"w": {"axis": 0, "whole": 3, "slim": 2}},
        "heads": {},
        "pads": {},
        "parameters": {"whole": 6, "slim": 4},
        "multiply_adds": {"whole": 6, "slim": 4},
    }


def test_a_slim_ticket_is_its_arrays_and_where_they_stood(slim: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "slim.json").write_text(json.dumps(slim))
    state, said = read_slim(tmp_path)
    assert state["w"].tolist() == [[1.5, 0.0], [0.0, -2.0]]
    assert said.tensors["w"].kept == {0: [1, 2]}
    assert said.model_dump(mode="json", exclude_none=True) == slim
    whole = np.zeros(said.tensors["w"].whole, np.float32)
    whole[said.tensors["w"].kept[0]] = state["w"]
    assert whole.tolist() == [[0.0, 0.0], [1.5, 0.0], [0.0, -2.0]]


def test_a_slim_ticket_whose_files_disagree_is_refused(slim: dict[str, Any], tmp_path: Path) -> None:
    slim["tensors"]["w"]["kept"] = {"0": [1, 3]}
    (tmp_path / "slim.json").write_text(json.dumps(slim))
    with pytest.raises(VerificationError, match=r"tensors\.w: expected indices below 3, got 3"):
        read_slim(tmp_path)
    slim["tensors"]["w"]["kept"] = {"0": [1]}
    (tmp_path / "slim.json").write_text(json.dumps(slim))
    with pytest.raises(VerificationError, match=r"tensors, w: expected \[1, 2\], got \[2, 2\]"):
        read_slim(tmp_path)

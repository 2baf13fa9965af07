"""ticketing.export.weights: every file reads back as the format page says, its metadata complete."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from ticketing.errors import VerificationError
from ticketing.export.weights import WRITERS, read_mask, read_tensors, shapes_of, write_mask
from ticketing.mask import Mask
from ticketing.recipe import Iterative
from ticketing.sparse import decode, same_bits
from ticketing.ticket import Ticket

ABOUT = {"architecture": "mlp", "arguments": {"hidden": [3]}, "rewind": "0it"}


@pytest.fixture
def ticket() -> Ticket:
    mask = Mask({"fc.weight": torch.tensor([[True, False, True], [False, False, True]])})
    start = {"fc.weight": torch.arange(1.0, 7.0).reshape(2, 3), "fc.bias": torch.tensor([0.5, 0.25])}
    trained = {name: tensor * 2 for name, tensor in start.items()}
    return Ticket(3, mask, mask.applied_to(start), mask.applied_to(trained))


@pytest.fixture
def folder(tmp_path: Path, ticket: Ticket) -> Path:
    for word, write in WRITERS.items():
        write(tmp_path / f"{word}.safetensors", ticket, ABOUT)
    return tmp_path


def test_every_output_of_the_recipe_has_its_writer() -> None:
    assert set(Iterative.model_validate({"search": "iterative"}).outputs) == set(WRITERS)


def test_ticket_and_model_are_dense_states_under_their_own_keys(folder: Path, ticket: Ticket) -> None:
    assert load_file(folder / "ticket.safetensors")["fc.weight"].tolist() == [[1.0, 0.0, 3.0], [0.0, 0.0, 6.0]]
    assert same_bits(load_file(folder / "model.safetensors"), dict(ticket.trained))


def test_the_mask_is_packed_lowest_bit_first(folder: Path, ticket: Ticket) -> None:
    assert load_file(folder / "mask.safetensors")["fc.weight"].tolist() == [0b100101]
    assert read_mask(folder / "mask.safetensors") == ticket.mask


def test_the_sparse_file_decodes_to_the_model(folder: Path, ticket: Ticket) -> None:
    tensors, layout = read_tensors(folder / "sparse.safetensors")
    state, mask = decode(tensors, shapes_of(layout))
    assert mask == ticket.mask
    assert same_bits(state, dict(ticket.trained))


@pytest.mark.parametrize("word", WRITERS)
def test_the_metadata_says_what_the_file_is(folder: Path, word: str) -> None:
    with safe_open(folder / f"{word}.safetensors", framework="np") as file:
        metadata = file.metadata()
    assert list(metadata) == ["winnow"]
    assert json.loads(metadata["winnow"]) == {
        "format": f"winnow/{word}",
        "version": 1,
        "level": 3,
        "sparsity": 0.5,
        "shapes": {"fc.weight": [2, 3]},
        "kept": {"fc.weight": 3},
        **ABOUT,
    }


def test_the_same_ticket_makes_the_same_bytes(folder: Path, ticket: Ticket, tmp_path: Path) -> None:
    for word, write in WRITERS.items():
        write(tmp_path / "again", ticket, ABOUT)
        assert (tmp_path / "again").read_bytes() == (folder / f"{word}.safetensors").read_bytes()


def test_counts_that_disagree_with_the_bits_are_refused(tmp_path: Path, ticket: Ticket) -> None:
    write_mask(tmp_path / "mask", ticket, {"kept": {"fc.weight": 4}})
    with pytest.raises(VerificationError, match="expected counts"):
        read_mask(tmp_path / "mask")


@pytest.mark.parametrize("content", [b"", b"not a tensor file", b"\xff" * 64])
def test_what_is_no_file_of_ours_is_refused(tmp_path: Path, content: Any) -> None:
    (tmp_path / "mask").write_bytes(content)
    with pytest.raises(VerificationError, match="expected mask to be a file of ours"):
        read_mask(tmp_path / "mask")

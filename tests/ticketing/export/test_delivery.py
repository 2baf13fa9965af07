"""ticketing.export.delivery: what is handed out is the first search's ticket at the delivered level."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from ticketing.data.canonical import load_canonical
from ticketing.export.weights import read_mask, read_tensors
from ticketing.folder import DATA, MODEL, OUT, read_spec
from ticketing.journal.provenance import state_digest
from ticketing.sparse import same_bits
from ticketing.subject import load_subject, placed
from ticketing.training.evaluation import evaluate


@pytest.fixture
def out(finished: Path) -> Path:
    return finished / OUT


@pytest.fixture
def delivered(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "report.json").read_bytes())["search"]["delivered"]
    return found


def test_the_ticket_is_the_initial_state_under_the_mask(finished: Path, out: Path) -> None:
    spec = read_spec(finished)
    assert spec.model is not None
    assert not (finished / MODEL).exists()
    initial = load_subject(spec.model).initial_state
    mask = read_mask(out / "mask.safetensors")
    assert same_bits(load_file(out / "ticket.safetensors"), mask.applied_to(initial))


def test_the_model_is_that_of_the_last_level(out: Path) -> None:
    model, level = load_file(out / "model.safetensors"), load_file(out / "levels/03/model.safetensors")
    assert same_bits(model, level)
    assert (out / "mask.safetensors").read_bytes() == (out / "levels/03/mask.safetensors").read_bytes()


def test_the_digests_are_those_of_the_states(out: Path, delivered: dict[str, Any]) -> None:
    for word in ("ticket", "model"):
        assert state_digest(load_file(out / f"{word}.safetensors")) == delivered["digests"][word]


def test_its_accuracy_is_told_on_validation_and_on_test(delivered: dict[str, Any]) -> None:
    assert 0.2 < delivered["test"]["accuracy"] <= 1.0
    assert 0.2 < delivered["validation"]["accuracy"] <= 1.0


@pytest.mark.parametrize("name", ["ticket", "model", "mask", "sparse"])
def test_inputs_normalised_as_a_file_says_give_the_accuracy_of_the_report(
    finished: Path, out: Path, delivered: dict[str, Any], name: str
) -> None:
    inputs = read_tensors(out / f"{name}.safetensors")[1]["inputs"]
    model = read_spec(finished).model
    network = placed(load_subject(model).module, load_file(out / "model.safetensors"), device="cpu")
    x, y = load_canonical(finished / DATA).split("test")
    mean, std = (torch.tensor(inputs[key]).reshape(1, -1, *[1] * (x.dim() - 2)) for key in ("mean", "std"))
    assert evaluate(network, (x - mean) / std, y).accuracy == delivered["test"]["accuracy"]


def test_the_recipe_is_written_as_it_was_run(finished: Path, out: Path) -> None:
    asked, written = (json.loads((folder / "recipe.json").read_bytes()) for folder in (finished, out))
    assert written == asked


def test_provenance_stands_alone_and_in_the_report(out: Path) -> None:
    alone = json.loads((out / "provenance.json").read_bytes())
    assert json.loads((out / "report.json").read_bytes())["provenance"] == alone
    assert alone["labels"] == {"name": "small"}

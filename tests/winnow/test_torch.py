"""winnow.torch: a mask goes into your module and training respects it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

from ticketing.errors import VerificationError
from winnow.torch import apply_mask, hold_mask, load_sparse, read_mask

KEPT = torch.tensor([[True, False, True], [False, False, True]])


def _linear(seed: int = 0) -> nn.Linear:
    module = nn.Linear(3, 2)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return module


@pytest.fixture
def sparse(tmp_path: Path) -> Path:
    tensors = {
        "weight.bitmask": np.packbits(KEPT.numpy().reshape(-1), bitorder="little"),
        "weight.values": np.array([1.0, 2.0, 3.0], np.float32),
        "bias": np.array([4.0, 5.0], np.float32),
    }
    layout = {"winnow": json.dumps({"shapes": {"weight": [2, 3]}, "kept": {"weight": 3}})}
    save_file(tensors, tmp_path / "sparse.safetensors", layout)
    return tmp_path / "sparse.safetensors"


def test_a_sparse_ticket_loads_into_the_users_module(sparse: Path) -> None:
    module = _linear()
    mask = load_sparse(module, sparse)
    assert module.weight.tolist() == [[1.0, 0.0, 2.0], [0.0, 0.0, 3.0]]
    assert module.bias.tolist() == [4.0, 5.0]
    assert mask["weight"].equal(KEPT)


def test_a_module_of_other_shape_is_refused_and_unchanged(sparse: Path) -> None:
    module = nn.Linear(4, 2)
    before = module.weight.detach().clone()
    with pytest.raises(VerificationError, match="weight"):
        load_sparse(module, sparse)
    assert module.weight.equal(before)


def test_removed_weights_become_zero_and_no_other() -> None:
    module, before = _linear(), _linear().weight
    apply_mask(module, {"weight": KEPT})
    assert module.weight[~KEPT].tolist() == [0.0, 0.0, 0.0]
    assert module.weight[KEPT].equal(before[KEPT])


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_a_held_mask_stays_through_training(decay: float) -> None:
    module = _linear()
    hold_mask(module, {"weight": KEPT})
    before = module.weight.detach().clone()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, weight_decay=decay)
    for _ in range(3):
        optimizer.zero_grad()
        module(torch.ones(1, 3)).sum().backward()
        optimizer.step()
    assert module.weight[~KEPT].tolist() == [0.0, 0.0, 0.0]
    assert not module.weight[KEPT].equal(before[KEPT])


def test_a_mask_that_was_let_go_no_longer_holds() -> None:
    module = _linear()
    let_go = hold_mask(module, {"weight": KEPT})
    let_go()
    module(torch.ones(1, 3)).sum().backward()
    assert module.weight.grad is not None
    assert bool((module.weight.grad[~KEPT] != 0).all())


@pytest.mark.parametrize("mask", [{"other": KEPT}, {"weight": KEPT.T}])
def test_a_mask_of_another_network_is_refused(mask: dict[str, torch.Tensor]) -> None:
    with pytest.raises(VerificationError, match="names and shapes"):
        apply_mask(_linear(), mask)


def test_a_mask_file_becomes_bool_tensors(tmp_path: Path) -> None:
    layout = {"winnow": json.dumps({"shapes": {"w": [2, 3]}, "kept": {"w": 3}})}
    save_file({"w": np.packbits(KEPT.numpy().reshape(-1), bitorder="little")}, tmp_path / "m", layout)
    assert read_mask(tmp_path / "m")["w"].equal(KEPT)

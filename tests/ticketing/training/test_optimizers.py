"""ticketing.training.optimizers: the arithmetic of torch.optim to the last bit, without torch.optim."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from ticketing import recipe
from ticketing.errors import CheckpointError
from ticketing.training.optimizers import Optimizer, optimizer_for

SHAPES = {"conv": (4, 3, 3, 3), "weight": (7, 5), "bias": (7,)}
CASES: dict[str, tuple[dict[str, Any], Callable[[list[Tensor]], Any]]] = {
    "adam": (
        {"name": "adam", "learning_rate": 1.0},
        lambda p: torch.optim.Adam(p, lr=1.0, fused=True),
    ),
    "adam, betas and decay": (
        {"name": "adam", "learning_rate": 1.0, "betas": [0.8, 0.95], "weight_decay": 0.01},
        lambda p: torch.optim.Adam(p, lr=1.0, betas=(0.8, 0.95), weight_decay=0.01, fused=True),
    ),
    "sgd": (
        {"name": "sgd", "learning_rate": 1.0, "momentum": 0},
        lambda p: torch.optim.SGD(p, lr=1.0, fused=True),
    ),
    "sgd, momentum and decay": (
        {"name": "sgd", "learning_rate": 1.0, "momentum": 0.9, "weight_decay": 0.01},
        lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.9, weight_decay=0.01, fused=True),
    ),
    "sgd, nesterov": (
        {"name": "sgd", "learning_rate": 1.0, "momentum": 0.9, "nesterov": True, "weight_decay": 2e-4},
        lambda p: torch.optim.SGD(p, lr=1.0, momentum=0.9, nesterov=True, weight_decay=2e-4, fused=True),
    ),
}
CASES |= {
    "adamw": (
        {"name": "adamw", "learning_rate": 1.0},
        lambda p: torch.optim.AdamW(p, lr=1.0, weight_decay=0.01, fused=True),
    ),
    "adamw, weights alone decay": (
        {"name": "adamw", "weight_decay": 0.1, "weight_decay_on": "weights"},
        lambda p: torch.optim.AdamW(weights_and_others(p), weight_decay=0.1, fused=True),
    ),
    "adam, weights alone decay": (
        {"name": "adam", "weight_decay": 0.1, "weight_decay_on": "weights"},
        lambda p: torch.optim.Adam(weights_and_others(p), weight_decay=0.1, fused=True),
    ),
    "sgd, weights alone decay": (
        {"name": "sgd", "nesterov": True, "weight_decay": 0.1, "weight_decay_on": "weights"},
        lambda p: torch.optim.SGD(weights_and_others(p), momentum=0.9, nesterov=True, weight_decay=0.1, fused=True),
    ),
}
every_rule = pytest.mark.parametrize("case", list(CASES))


def weights_and_others(p: list[Tensor]) -> list[dict[str, Any]]:
    return [{"params": [t for t in p if t.dim() > 1]}, {"params": [t for t in p if t.dim() < 2], "weight_decay": 0.0}]


def parameters(seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    made = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
    made["conv"] = made["conv"].contiguous(memory_format=torch.channels_last)
    return {name: tensor.requires_grad_() for name, tensor in made.items()}


def ours(case: str, own: dict[str, Tensor], *, skips: bool = False) -> Optimizer:
    return optimizer_for(TypeAdapter(recipe.Optimizer).validate_python(CASES[case][0]), own, skips=skips)


def give_gradients(own: dict[str, Tensor], step: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(100 + step)
    for name, parameter in own.items():
        drawn = torch.randn(SHAPES[name], generator=generator)
        parameter.grad = torch.empty_like(parameter, requires_grad=False).copy_(drawn)
    return [parameter.grad for parameter in own.values() if parameter.grad is not None]


@every_rule
def test_every_update_is_that_of_torch_optim_bit_for_bit(case: str) -> None:
    own, theirs = parameters(), parameters()
    rule, reference = ours(case, own), CASES[case][1](list(theirs.values()))
    for step in range(12):
        rate = 0.1 / (1 + step)
        gradients = give_gradients(own, step)
        give_gradients(theirs, step)
        with torch.no_grad():
            rule.update(rate, gradients)
        for group in reference.param_groups:
            group["lr"] = rate
        reference.step()
        assert all(torch.equal(own[name], theirs[name]) for name in own), f"after update {step}"


@every_rule
def test_a_restored_rule_goes_on_bit_for_bit(case: str) -> None:
    own = parameters()
    rule = ours(case, own)
    with torch.no_grad():
        for step in range(5):
            rule.update(0.1, give_gradients(own, step))
        twin = {name: tensor.detach().clone().requires_grad_() for name, tensor in own.items()}
        restored = ours(case, twin)
        restored.restore({name: tensor.clone() for name, tensor in rule.moments().items()}, rule.steps)
        for step in range(5, 8):
            for which, updated in ((own, rule), (twin, restored)):
                updated.update(0.1, give_gradients(which, step))
    assert all(torch.equal(own[name], twin[name]) for name in own)


def test_an_update_count_that_is_lost_changes_the_result() -> None:
    results = []
    for steps in (5, 0):
        own = parameters()
        rule = ours("adam", own)
        rule.restore({name: torch.ones_like(t) for name, t in rule.moments().items()}, steps)
        with torch.no_grad():
            rule.update(0.1, give_gradients(own, 0))
        results.append(own["weight"])
    assert not torch.equal(*results)


def test_moments_of_another_network_are_refused() -> None:
    rule = ours("adam", parameters())
    moments = rule.moments()
    del moments["first/bias"]
    with pytest.raises(CheckpointError, match="moments"):
        rule.restore(moments, 1)


def test_sgd_without_momentum_remembers_nothing() -> None:
    assert ours("sgd", parameters()).moments() == {}


@every_rule
def test_a_skipped_update_changes_nothing_but_the_count_of_steps(case: str) -> None:
    own, twin = parameters(), parameters()
    skipping, plain = ours(case, own, skips=True), ours(case, twin, skips=True)
    with torch.no_grad():
        for step, skip in enumerate((0.0, 1.0, 0.0, 1.0, 0.0)):
            skipping.update(0.1, give_gradients(own, step), skip=torch.tensor(skip))
            if not skip:
                plain.update(0.1, give_gradients(twin, step), skip=torch.tensor(0.0))
        restored = ours(case, own, skips=True)
        restored.restore({name: tensor.clone() for name, tensor in skipping.moments().items()}, skipping.steps)
        restored.update(0.1, give_gradients(own, 9), skip=torch.tensor(0.0))
        plain.update(0.1, give_gradients(twin, 9), skip=torch.tensor(0.0))
    assert (restored.steps, plain.steps) == (6, 4)
    assert all(torch.equal(own[name], twin[name]) for name in own)


def test_norms_and_biases_do_not_decay_where_weights_alone_do() -> None:
    own = parameters()
    before = {name: tensor.detach().clone() for name, tensor in own.items()}
    rule = ours("sgd, weights alone decay", own)
    with torch.no_grad():
        rule.update(0.1, [torch.zeros_like(tensor) for tensor in own.values()])
    assert torch.equal(own["bias"], before["bias"])
    assert all((own[name].abs() < before[name].abs()).all() for name in ("conv", "weight"))


def test_a_network_without_norms_and_biases_is_one_group() -> None:
    own = {"weight": torch.ones(2, 2, requires_grad=True)}
    rule = ours("adamw, weights alone decay", own)
    with torch.no_grad():
        rule.update(1.0, [torch.zeros(2, 2)])
    assert torch.equal(own["weight"], torch.full((2, 2), 0.9))

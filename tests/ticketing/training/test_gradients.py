"""ticketing.training.gradients: clipping is that of torch.nn.utils, scaling that of torch.amp, and neither waits."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ticketing.errors import CheckpointError
from ticketing.training.gradients import GROWTH_INTERVAL, LossScale, clipped

CPU = torch.device("cpu")


def gradients(seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator) for shape in ((4, 3, 3, 3), (7, 5), (7,))]


def norm(tensors: list[Tensor]) -> float:
    return float(torch.cat([tensor.flatten() for tensor in tensors]).double().norm())


@settings(deadline=None)
@given(limit=st.floats(1e-3, 1e3), seed=st.integers(0, 20), size=st.sampled_from([1.0, 1e-6]))
def test_clips_as_torch_does_and_never_beyond_the_limit(limit: float, seed: int, size: float) -> None:
    limit, own = limit * size, [gradient * size for gradient in gradients(seed)]
    theirs = [torch.nn.Parameter(torch.zeros_like(gradient)) for gradient in own]
    for parameter, gradient in zip(theirs, own, strict=True):
        parameter.grad = gradient.clone()
    torch.nn.utils.clip_grad_norm_(theirs, limit)
    made = clipped(own, limit)
    assert norm(made) <= limit * (1 + 1e-6)
    for one, parameter in zip(made, theirs, strict=True):
        assert parameter.grad is not None
        assert torch.allclose(one, parameter.grad, rtol=1e-6, atol=0)


def test_a_short_gradient_is_left_to_the_bit_and_a_long_one_as_it_was_given() -> None:
    given_ = gradients()
    assert all(map(torch.equal, clipped(given_, 1e3), given_))
    clipped(given_, 1e-3)
    assert all(map(torch.equal, given_, gradients()))


def test_a_scaled_loss_gives_the_gradient_of_the_loss_itself() -> None:
    scale, weight = LossScale(CPU), torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (weight**2).sum()
    plain, overflowed = scale.undo(torch.autograd.grad(scale.of(loss), [weight]))
    assert torch.equal(plain[0], torch.tensor([2.0, 4.0]))
    assert overflowed == 0


@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
def test_an_overflow_is_told_and_halves_the_factor(bad: float) -> None:
    scale = LossScale(CPU)
    _, overflowed = scale.undo([torch.ones(3), torch.tensor([1.0, bad])])
    assert overflowed == 1
    assert scale.of(torch.tensor(1.0)) == 2.0**15


def test_the_factor_doubles_after_updates_without_overflow_and_walks_with_torch() -> None:
    scale, theirs = LossScale(CPU), torch.amp.GradScaler("cpu")
    reference = torch.nn.Parameter(torch.ones(1))
    rule = torch.optim.SGD([reference], lr=0.0)
    for step in range(GROWTH_INTERVAL + 10):
        bad = float("inf") if step in (3, 4, 2005) else 1.0
        theirs.scale(torch.ones(1))
        reference.grad = torch.tensor([bad])
        theirs.step(rule)
        theirs.update()
        scale.undo([torch.tensor([bad])])
        assert scale.of(torch.tensor(1.0)) == theirs.get_scale(), step
    assert theirs.get_scale() == 2.0**14


def test_a_restored_factor_goes_on_where_it_stood() -> None:
    one, other = LossScale(CPU), LossScale(CPU)
    for bad in (1.0, float("inf"), 1.0):
        one.undo([torch.tensor([bad])])
    other.restore({name: tensor.clone() for name, tensor in one.state().items()})
    assert {name: tensor.item() for name, tensor in other.state().items()} == {"scale": 2.0**15, "calm": 1}
    with pytest.raises(CheckpointError, match="a loss scale"):
        other.restore({})

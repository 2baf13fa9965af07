"""ticketing.training.scaled: scales of 1 change nothing, folded ones neither; a training with them is what it says."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ticketing.channels import channels_of
from ticketing.channels.scales import scales_of
from ticketing.models.scaled_linear import ScaledLinear
from ticketing.sparse import same_bits
from ticketing.subject import Subject, placed
from ticketing.training.scaled import Scaled


def scaled(subject: Subject) -> Scaled:
    channels = channels_of(subject.module, subject.inventory)
    return Scaled(subject.module, scales_of(subject.inventory, channels).learned)


def answers(subject: Subject, module: nn.Module, state: dict[str, Tensor]) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    shape = (5, *subject.inventory.input_shape)
    x = (
        torch.randint(subject.inventory.classes, shape, generator=generator)
        if subject.inventory.task == "next_token"
        else torch.randn(shape, generator=generator).double()
    )
    wide = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    with torch.no_grad():
        made: Tensor = placed(module, wide, device="cpu").eval()(x)
    return made


@pytest.fixture(params=["vit-tiny", "gpt"])
def subject(request: pytest.FixtureRequest, make_subject: Any, tiny_arguments: Any) -> Subject:
    made: Subject = make_subject(request.param, **tiny_arguments(request.param))
    return made


def test_scales_of_one_change_no_bit(subject: Subject) -> None:
    form, state = scaled(subject), subject.initial_state
    begun = form.as_trained(state)
    assert begun.keys() - state.keys() == set(form.counts)
    assert all(bool((begun[name] == 1).all()) for name in form.counts)
    assert torch.equal(answers(subject, form.module, begun), answers(subject, subject.module, dict(state)))
    assert same_bits(form.as_whole(begun), state)


def test_folded_scales_make_the_same_function(subject: Subject) -> None:
    form, generator = scaled(subject), torch.Generator().manual_seed(1)
    lived = form.as_trained(subject.initial_state)
    lived |= {name: torch.randn(count, generator=generator) for name, count in form.counts.items()}
    whole = form.as_whole({name: t.double() if t.is_floating_point() else t for name, t in lived.items()})
    assert list(whole) == list(subject.initial_state)
    there, back = answers(subject, form.module, lived), answers(subject, subject.module, whole)
    assert (there - answers(subject, subject.module, dict(subject.initial_state))).abs().max() > 1e-3
    assert torch.allclose(there, back, rtol=0, atol=1e-12)


def test_a_scale_of_zero_takes_its_head_or_unit_away(subject: Subject) -> None:
    form, channels = scaled(subject), channels_of(subject.module, subject.inventory)
    along = scales_of(subject.inventory, channels).along
    for name, of in along.items():
        lived = form.as_trained(subject.initial_state)
        lived[name][0] = 0
        weight = form.as_whole(lived)[name.removesuffix(".scale") + ".weight"]
        inputs = channels.axes[name.removesuffix(".scale") + ".weight", 1]
        assert torch.equal((weight == 0).all(0), inputs == of[0])


def test_the_gradient_of_a_scale_is_that_of_all_it_multiplies() -> None:
    generator = torch.Generator().manual_seed(0)
    layer = ScaledLinear(6, 4, bias=True, scales=3).to_empty(device="cpu")
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    x = torch.randn(7, 5, 6, generator=generator)
    gated = (x.view(7, 5, 3, 2) * layer.scale.detach().view(3, 1)).view(7, 5, 6).requires_grad_()
    made = functional.linear(gated, layer.weight, layer.bias)
    assert torch.equal(layer(x), made)
    by_input = torch.autograd.grad(made.square().sum(), gated)[0]
    by_scale = torch.autograd.grad(layer(x).square().sum(), layer.scale)[0]
    assert torch.allclose(by_scale, (by_input * x).view(-1, 3, 2).sum((0, 2)), rtol=1e-5)

"""ticketing.training.average: every tensor follows its own by the formula, and zeros stay zeros."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ticketing.errors import CheckpointError
from ticketing.subject import Subject, placed
from ticketing.training.average import Average

MakeSubject = Callable[..., Subject]
RESNET = {"in_channels": 1, "input_size": [8, 8], "classes": 3}


def averaged(subject: Subject, decay: float) -> tuple[nn.Module, Average]:
    network = placed(subject.module, subject.initial_state, device="cpu").train()
    return network, Average(subject.module, subject.initial_state, decay=decay, of=network)


def moved(network: nn.Module, seed: int) -> dict[str, Tensor]:
    """Change all that an update changes, in place, and give what it became."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.add_(torch.randn(tensor.shape, generator=generator))
        else:
            tensor.add_(1)
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("decay", [0.1, 0.5, 0.999])
def test_is_the_running_average_of_weights_and_norm_statistics(make_subject: MakeSubject, decay: float) -> None:
    subject = make_subject("resnet-20", **RESNET)
    network, average = averaged(subject, decay)
    expected = {name: tensor.double() for name, tensor in subject.initial_state.items()}
    for seed in range(4):
        now = moved(network, seed)
        average.follow()
        expected = {name: decay * old + (1 - decay) * now[name].double() for name, old in expected.items()}
    for name, tensor in average.network.state_dict().items():
        if tensor.is_floating_point():
            assert torch.allclose(tensor.double(), expected[name], atol=1e-5), name
    assert average.network.state_dict()["bn1.num_batches_tracked"] == 4


@settings(deadline=None)
@given(decay=st.floats(0.001, 0.999), constant=st.floats(-100, 100, width=32))
def test_an_entry_that_never_moves_is_itself_in_the_average(decay: float, constant: float) -> None:
    module = nn.Linear(2, 1, bias=False)
    network = placed(module, {"weight": torch.tensor([[constant, 1.0]])}, device="cpu")
    average = Average(module, network.state_dict(), decay=decay, of=network)
    for value in (5.0, -3.0, 0.5):
        network.state_dict()["weight"][0, 1] = value
        average.follow()
    assert average.state()["weight"][0, 0] == constant


def test_what_is_restored_is_what_was_saved(make_subject: MakeSubject) -> None:
    subject = make_subject()
    network, average = averaged(subject, 0.9)
    moved(network, 0)
    average.follow()
    saved = {name: tensor.clone() for name, tensor in average.state().items()}
    _, other = averaged(subject, 0.9)
    other.restore(saved)
    assert all(torch.equal(tensor, saved[name]) for name, tensor in other.network.state_dict().items())
    with pytest.raises(CheckpointError, match="averaged weights"):
        other.restore({})

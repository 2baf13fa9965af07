"""ticketing.trainee: an update meets every weight where it lies, and a state that is of another network is refused."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ticketing.data.dataset import Dataset
from ticketing.data.order import Order
from ticketing.errors import CheckpointError
from ticketing.mask import Mask
from ticketing.recipe import Training
from ticketing.subject import Subject
from ticketing.trainee import Trainee, laid_like

MakeSubject = Callable[..., Subject]
MakeDataset = Callable[..., Dataset]
MakeTraining = Callable[..., Training]


@pytest.fixture
def trainee(make_subject: MakeSubject, make_dataset: MakeDataset, make_training: MakeTraining) -> Trainee:
    subject = make_subject()
    return Trainee(subject.module, subject.initial_state, make_dataset(), make_training(), None, 0)


@pytest.mark.parametrize("step", [0, 4, 9, 23])
def test_begins_with_the_batch_of_its_step(trainee: Trainee, step: int) -> None:
    trainee.begin(step)
    assert trainee.step == step
    assert trainee.saved().order == dict(zip(("epoch", "position"), divmod(step, 9), strict=True))


def test_the_first_evaluation_is_the_best_so_far_and_a_worse_one_is_not(trainee: Trainee) -> None:
    trainee.evaluate()
    first = trainee.best
    for weight in trainee.network.parameters():
        weight.data.mul_(100)
    trainee.evaluate()
    assert trainee.curve[1].loss > trainee.curve[0].loss
    assert trainee.best is first


def test_a_mask_of_an_unknown_parameter_is_refused(
    make_subject: MakeSubject, make_dataset: MakeDataset, make_training: MakeTraining
) -> None:
    subject = make_subject()
    with pytest.raises(KeyError, match="fc9"):
        Trainee(
            subject.module,
            subject.initial_state,
            make_dataset(),
            make_training(),
            Mask.full({"fc9.weight": (2, 2)}),
            0,
        )


def test_a_position_beyond_the_epoch_is_refused(trainee: Trainee) -> None:
    trainee.update(0.01)
    with pytest.raises(CheckpointError, match="position"):
        trainee.go_on(replace(trainee.saved(), order={"epoch": 0, "position": 10}))


class _Layered(nn.Module):
    """A network whose gradient may come back in another memory layout than its weight has."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(4, 4, 1, bias=False)
        self.out = nn.Linear(4 * 8 * 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.out(self.mix(x.expand(-1, 4, -1, -1)).flatten(1))
        return logits


def test_gradients_meet_their_weights_whatever_the_memory_layout(
    make_dataset: MakeDataset, make_training: MakeTraining
) -> None:
    data, module = make_dataset((1, 8, 8)), _Layered()
    start = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
    optimizer = {"name": "sgd", "momentum": 0}
    trainee = Trainee(module, start, data, make_training(optimizer=optimizer), None, 0)
    trainee.update(0.01)
    updated = trainee.saved().state
    rows = Order(90, 10, 0).next()
    functional.cross_entropy(module(data.x_train[rows].contiguous()), data.y_train[rows]).backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None
        # Another memory layout sums in another order.
        assert torch.allclose(updated[name], start[name] - 0.01 * parameter.grad, atol=1e-6)


def test_a_gradient_is_brought_into_the_layout_of_its_weight() -> None:
    weight = torch.zeros(4, 3, 2, 2).to(memory_format=torch.channels_last)
    gradient = torch.arange(48.0).reshape(4, 3, 2, 2)
    laid = laid_like(weight, gradient)
    assert laid.stride() == weight.stride()
    assert torch.equal(laid, gradient)
    assert laid_like(weight, laid) is laid

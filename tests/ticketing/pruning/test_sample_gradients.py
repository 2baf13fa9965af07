"""ticketing.pruning.sample_gradients: slopes of the training loss on a seeded sample, as a plain backward pass."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn import functional

from ticketing.pruning.sample_gradients import EXAMPLES_PER_CLASS, gradients_at, sample
from ticketing.subject import placed


def test_the_sample_has_the_same_number_of_every_class_each_row_once() -> None:
    y = torch.arange(300) % 7
    rows = sample(y, classes=7, seed=3)
    assert y[rows].bincount().tolist() == [EXAMPLES_PER_CLASS] * 7
    assert len(rows.unique()) == len(rows)


def test_a_class_with_fewer_examples_gives_all_it_has() -> None:
    y = torch.tensor([0] * 50 + [1] * 3 + [3] * 20)
    assert y[sample(y, classes=4, seed=0)].bincount(minlength=4).tolist() == [10, 3, 0, 10]


def test_the_same_seed_draws_the_same_sample() -> None:
    y = torch.arange(300) % 7
    assert torch.equal(sample(y, classes=7, seed=3), sample(y, classes=7, seed=3))
    assert not torch.equal(sample(y, classes=7, seed=3), sample(y, classes=7, seed=4))


@pytest.mark.parametrize("batch_size", [4, 7, 1000])
def test_agrees_with_one_backward_pass_over_the_whole_sample(
    batch_size: int, make_subject: Any, make_dataset: Any, make_training: Any
) -> None:
    subject, data = make_subject(), make_dataset()
    training = make_training(batch_size=batch_size)
    found = gradients_at(subject, subject.initial_state, subject.prunable, data=data, training=training, seed=5)
    network = placed(subject.module, subject.initial_state, device="cpu")
    rows = sample(data.y_train, classes=3, seed=5)
    functional.cross_entropy(network(data.x_train[rows]), data.y_train[rows]).backward()
    assert list(found) == list(subject.prunable)
    for name, slope in found.items():
        # Batches sum in another order.
        assert torch.allclose(slope, network.get_parameter(name).grad, atol=1e-6)


def test_neither_weights_nor_norm_statistics_change(make_subject: Any, make_dataset: Any, make_training: Any) -> None:
    subject, data = make_subject("resnet-20", in_channels=1, input_size=[8, 8], classes=3), make_dataset((1, 8, 8))
    before = {name: tensor.clone() for name, tensor in subject.initial_state.items()}
    gradients_at(subject, subject.initial_state, subject.prunable, data=data, training=make_training(), seed=0)
    assert all(torch.equal(tensor, subject.initial_state[name]) for name, tensor in before.items())


def test_bf16_computes_in_bf16_and_gives_fp32(make_subject: Any, make_dataset: Any, make_training: Any) -> None:
    subject = make_subject()
    both = [
        gradients_at(
            subject, subject.initial_state, subject.prunable, data=make_dataset(bf16=precision == "bf16"),
            training=make_training(precision=precision), seed=0,
        )["fc1.weight"]
        for precision in ("fp32", "bf16")
    ]  # fmt: skip
    assert both[1].dtype == torch.float32
    assert not torch.equal(*both)
    assert torch.allclose(*both, atol=0.02)


def test_the_test_split_is_never_looked_at(make_subject: Any, make_dataset: Any, make_training: Any) -> None:
    subject, data = make_subject(), make_dataset()
    blind = replace(data, x_test=data.x_test * torch.nan, x_validation=data.x_validation * torch.nan)
    one, other = (
        gradients_at(subject, subject.initial_state, subject.prunable, data=d, training=make_training(), seed=0)
        for d in (data, blind)
    )
    assert all(torch.equal(slope, other[name]) for name, slope in one.items())

"""ticketing.analysis.connectivity: no barrier to itself, one to its permutation, norm statistics as torch's."""

from typing import Any

import pytest
import torch

from ticketing.analysis.connectivity import NORM_BATCH, barrier, between, renew_norms
from ticketing.observer import RecordingObserver
from ticketing.sparse import same_bits
from ticketing.subject import placed
from ticketing.training.evaluation import evaluate
from ticketing.training.loop import train


@pytest.fixture
def trained(make_subject: Any, make_dataset: Any, make_training: Any) -> Any:
    """Train the small perceptron until it knows the blobs."""
    subject, settings = make_subject(), make_training(length="200it", optimizer={"name": "adam", "learning_rate": 0.01})
    return train(
        subject.module,
        subject.initial_state,
        data=make_dataset(),
        training=settings,
        order_seed=1,
        observer=RecordingObserver(),
    ).final


def permuted(state: Any) -> dict[str, torch.Tensor]:
    """The same function, its first hidden units in reverse order."""
    turned, (first, bias, second) = dict(state), list(state)[:3]
    turned[first], turned[bias] = state[first].flip(0), state[bias].flip(0)
    return turned | {second: state[second].flip(1)}


def test_there_is_no_barrier_to_itself(make_subject: Any, make_dataset: Any, trained: Any) -> None:
    assert barrier(make_subject().module, trained, trained, data=make_dataset(), seed=0) == 0.0


def test_there_is_one_to_its_permutation_although_it_is_the_same_function(
    make_subject: Any, make_dataset: Any, trained: Any
) -> None:
    module, data, turned = make_subject().module, make_dataset(), permuted(trained)
    one, other = (
        evaluate(placed(module, state, device="cpu"), data.x_validation, data.y_validation)
        for state in (trained, turned)
    )
    assert torch.equal(one.correct, other.correct)
    assert barrier(module, trained, turned, data=data, seed=0) > 0.02


def test_a_barrier_is_the_same_from_either_side(make_subject: Any, make_dataset: Any, trained: Any) -> None:
    module, data, other = make_subject().module, make_dataset(), permuted(trained)
    there, back = (barrier(module, *pair, data=data, seed=0) for pair in ((trained, other), (other, trained)))
    assert there == pytest.approx(back, abs=1 / 60)  # a prediction may turn in the last bits


def test_the_line_ends_at_both_states_and_stays_under_a_common_mask(trained: Any) -> None:
    other = permuted(trained)
    assert same_bits(between(trained, other, 0.0), trained)
    assert same_bits(between(trained, other, 1.0), other)
    name = next(iter(trained))
    masked = [state | {name: state[name] * (torch.arange(8) < 4)} for state in (trained, other)]
    assert not between(*masked, 0.4)[name][:, 4:].any()


@pytest.mark.parametrize("samples", [40, 2 * NORM_BATCH])
def test_norm_statistics_are_those_of_a_forward_in_train_mode(
    make_subject: Any, make_dataset: Any, samples: int
) -> None:
    subject = make_subject("resnet-20", in_channels=1, input_size=[8, 8], classes=3)
    x = make_dataset((1, 8, 8), train=samples).x_train
    network = placed(subject.module, subject.initial_state, device="cpu")
    renew_norms(network, x)
    # torch's own: with a momentum of 1 a forward leaves what it measured; then the mean over the batches.
    plain = placed(subject.module, subject.initial_state, device="cpu").train()
    norms = [part for part in plain.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    measured = []
    for norm in norms:
        norm.momentum = 1.0
    for batch in torch.split(x, NORM_BATCH):
        with torch.no_grad():
            plain(batch)
        measured.append([(norm.running_mean.clone(), norm.running_var.clone()) for norm in norms])
    renewed = [part for part in network.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    for i, norm in enumerate(renewed):
        assert norm.momentum == 0.1
        for own, which in ((norm.running_mean, 0), (norm.running_var, 1)):
            expected = torch.stack([of_batch[i][which] for of_batch in measured]).mean(0)
            torch.testing.assert_close(own, expected)


def test_without_norms_nothing_is_changed(make_subject: Any, make_dataset: Any, trained: Any) -> None:
    network = placed(make_subject().module, trained, device="cpu")
    renew_norms(network, make_dataset().x_train)
    assert same_bits(network.state_dict(), trained)

"""ticketing.training.evaluation: the loss and accuracy of a plain computation, and a network left as it was."""

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from ticketing.data.dataset import Dataset
from ticketing.subject import Subject, placed, state_of
from ticketing.training.evaluation import evaluate

MakeSubject = Callable[..., Subject]
MakeDataset = Callable[..., Dataset]


@pytest.mark.parametrize("batch_size", [1, 7, 60, 1000, None])
def test_agrees_with_the_whole_split_at_once(
    make_subject: MakeSubject, make_dataset: MakeDataset, batch_size: int | None
) -> None:
    subject, data = make_subject(), make_dataset()
    network = placed(subject.module, subject.initial_state, device="cpu")
    found = evaluate(network, data.x_test, data.y_test, batch_size=batch_size)
    with torch.no_grad():
        logits = network(data.x_test)
    assert found.correct.tolist() == (logits.argmax(1) == data.y_test).tolist()
    assert found.accuracy == found.correct.sum().item() / 60
    # Each batch size sums in its own order.
    assert found.loss == pytest.approx(functional.cross_entropy(logits, data.y_test).item(), rel=1e-5)


def test_every_token_of_every_window_counts_alike(make_subject: MakeSubject) -> None:
    subject = make_subject("gpt", vocabulary=5, context=4, width=8, depth=1, heads=2)
    network = placed(subject.module, subject.initial_state, device="cpu").eval()
    text = torch.arange(29).mul(7).remainder(5)
    x, y = text[:28].view(7, 4), text[1:].view(7, 4)
    found = evaluate(network, x, y, batch_size=3)
    with torch.no_grad():
        logits = network(x)
    assert torch.equal(found.correct, logits.argmax(2) == y)
    assert found.accuracy == found.correct.sum().item() / 28
    assert found.loss == pytest.approx(functional.cross_entropy(logits.reshape(28, 5), y.reshape(28)).item(), rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_leaves_the_network_as_it_was(make_subject: MakeSubject, make_dataset: MakeDataset, training: bool) -> None:
    subject, data = make_subject("resnet-20", in_channels=1, input_size=[8, 8], classes=3), make_dataset((1, 8, 8))
    network = placed(subject.module, subject.initial_state, device="cpu").train(training)
    before = state_of(network)
    evaluate(network, data.x_test, data.y_test)
    after = state_of(network)
    assert network.training is training
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_uses_running_statistics_not_the_batchs(make_subject: MakeSubject, make_dataset: MakeDataset) -> None:
    subject, data = make_subject("resnet-20", in_channels=1, input_size=[8, 8], classes=3), make_dataset((1, 8, 8))
    network = placed(subject.module, subject.initial_state, device="cpu").train()
    one_by_one = evaluate(network, data.x_test, data.y_test, batch_size=1)
    assert one_by_one.correct.tolist() == evaluate(network, data.x_test, data.y_test).correct.tolist()


def test_bf16_is_close_to_fp32_and_not_the_same(make_subject: MakeSubject, make_dataset: MakeDataset) -> None:
    subject, data = make_subject(), make_dataset()
    network = placed(subject.module, subject.initial_state, device="cpu")
    full, half = (evaluate(network, data.x_test, data.y_test, precision=p).loss for p in ("fp32", "bf16"))
    assert full != half
    assert half == pytest.approx(full, rel=0.02)  # bfloat16 keeps 8 bits

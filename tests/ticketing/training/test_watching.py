"""ticketing.training.watching: looks come when they should, a pull is an L1 term, and a look can end a training."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ticketing.data.dataset import Dataset
from ticketing.data.order import Order
from ticketing.observer import RecordingObserver, Stopped
from ticketing.recipe import Training
from ticketing.sparse import same_bits
from ticketing.subject import Subject, placed
from ticketing.training.loop import Checkpointing, train
from ticketing.training.state import TrainingState
from ticketing.training.trained import Trained
from ticketing.training.watching import Seen, Watch

SGD = {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.01}
WEIGHTS = ("fc1.weight", "fc2.bias")


@pytest.fixture
def run(
    make_subject: Callable[..., Subject], make_dataset: Callable[..., Dataset], make_training: Callable[..., Training]
) -> Callable[..., Trained]:
    def go(watch: Watch, **words: Any) -> Trained:
        subject = make_subject()
        words = {"order_seed": 1, "observer": RecordingObserver()} | words
        training = make_training(optimizer=SGD, **words.pop("fields", {}))
        return train(
            subject.module, subject.initial_state, data=make_dataset(), training=training, watch=watch, **words
        )

    return go


def never(step: int, weights: Mapping[str, Tensor]) -> Seen:
    return Seen()


def test_a_pull_is_the_gradient_of_an_l1_term_and_is_clipped_with_the_rest(
    run: Callable[..., Trained], make_subject: Callable[..., Subject], make_dataset: Callable[..., Dataset]
) -> None:
    subject, data, order = make_subject(), make_dataset(), Order(90, 10, 1)
    network = placed(subject.module, subject.initial_state, device="cpu")
    weights = dict(network.named_parameters())
    rule = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01, fused=True)
    for _ in range(20):
        rows = order.next()
        rule.zero_grad()
        loss = functional.cross_entropy(network(data.x_train[rows]), data.y_train[rows])
        (loss + 0.3 * sum(weights[name].abs().sum() for name in WEIGHTS)).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        rule.step()
    pulled = run(Watch(5, WEIGHTS, never, pull=0.3), fields={"gradient_clip": 5.0})
    left_alone = run(Watch(5, WEIGHTS, never))
    for name, weight in network.state_dict().items():
        assert torch.allclose(pulled.final[name], weight, atol=1e-5)
    assert pulled.final["fc1.weight"].abs().sum() < 0.5 * left_alone.final["fc1.weight"].abs().sum()


def test_a_look_sees_the_weights_of_its_update_and_changes_nothing(run: Callable[..., Trained]) -> None:
    seen: dict[int, dict[str, Tensor]] = {}

    def look(step: int, weights: Mapping[str, Tensor]) -> Seen:
        seen[step] = {name: weight.clone() for name, weight in weights.items()}
        return Seen(capture=True)

    trained = run(Watch(6, WEIGHTS, look))
    assert list(seen) == [6, 12, 18]
    assert list(trained.captured) == [6, 12, 18]
    assert all(torch.equal(seen[step][name], trained.captured[step][name]) for step in seen for name in WEIGHTS)
    assert same_bits(trained.final, run(Watch(50, WEIGHTS, never)).final)


def test_a_look_can_end_the_training_which_is_evaluated_there(run: Callable[..., Trained]) -> None:
    ended = run(Watch(4, WEIGHTS, lambda step, _: Seen(capture=step == 12, end=step == 12)))
    assert ended.updates == 12
    assert [point.step for point in ended.curve] == [5, 10, 12]
    assert same_bits(ended.final, ended.captured[12])
    assert same_bits(ended.final, run(Watch(50, WEIGHTS, never), last_step=12).final)


@pytest.mark.parametrize("stopped_after", [1, 7, 8, 11])
def test_a_pulled_training_that_was_stopped_ends_with_the_same_bits(
    run: Callable[..., Trained], stopped_after: int
) -> None:
    def look(step: int, weights: Mapping[str, Tensor]) -> Seen:
        return Seen(capture=step == 8, end=step == 16)

    watch, saved = Watch(4, WEIGHTS, look, pull=0.01), list[TrainingState]()
    checkpointing = Checkpointing(saved.append, 1e9, lambda: 0.0)
    with pytest.raises(Stopped):
        run(watch, observer=RecordingObserver(stop_after=stopped_after - 1), checkpointing=checkpointing)
    resumed = TrainingState.from_tensors(*saved[-1].to_tensors())
    assert resumed.step == stopped_after
    gone_on, undisturbed = run(watch, resume=resumed), run(watch)
    assert same_bits(gone_on.final, undisturbed.final)
    assert same_bits(gone_on.captured[8], undisturbed.captured[8])
    assert gone_on.curve == undisturbed.curve

"""ticketing.training.loop: masked weights stay zero, everything starts fresh, a stopped one goes on to the bit."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from math import inf, nan
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ticketing.data.dataset import Dataset
from ticketing.data.order import Order
from ticketing.errors import CheckpointError, DivergedError
from ticketing.mask import Mask
from ticketing.observer import RecordingObserver, Stopped
from ticketing.recipe import Training
from ticketing.subject import Subject, placed, redraw
from ticketing.training.loop import Checkpointing, train
from ticketing.training.pruning import Pruning
from ticketing.training.state import CurvePoint, TrainingState
from ticketing.training.trained import Trained

MakeSubject = Callable[..., Subject]
MakeDataset = Callable[..., Dataset]
MakeTraining = Callable[..., Training]

ADAM = {"name": "adam", "learning_rate": 0.01, "weight_decay": 0.01}
SGD = {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}
RESNET = {"in_channels": 1, "input_size": [8, 8], "classes": 3}
every_optimizer = pytest.mark.parametrize("optimizer", [ADAM, SGD], ids=["adam", "sgd"])


@pytest.fixture
def run(make_subject: MakeSubject, make_dataset: MakeDataset, make_training: MakeTraining) -> Callable[..., Trained]:
    """Train the small perceptron on blobs; words of `train` and fields of the training may be given."""

    def go(*, data: Dataset | None = None, fields: Mapping[str, Any] | None = None, **words: Any) -> Trained:
        subject = make_subject()
        words = {"start": subject.initial_state, "order_seed": 1, "observer": RecordingObserver()} | words
        return train(subject.module, data=data or make_dataset(), training=make_training(**fields or {}), **words)

    return go


def half_of(subject: Subject) -> Mask:
    generator = torch.Generator().manual_seed(9)
    return Mask({name: torch.rand(shape, generator=generator) < 0.5 for name, shape in subject.shapes.items()})


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@every_optimizer
def test_agrees_with_a_plain_loop_and_torch_optim(
    run: Callable[..., Trained], make_subject: MakeSubject, make_dataset: MakeDataset, optimizer: dict[str, Any]
) -> None:
    subject, data = make_subject(), make_dataset()
    mask, order = half_of(subject), Order(90, 10, 1)
    network = placed(subject.module, mask.applied_to(subject.initial_state), device="cpu")
    rule: torch.optim.Optimizer = (
        torch.optim.Adam(network.parameters(), lr=0.01, weight_decay=0.01, fused=True)
        if optimizer is ADAM
        else torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01, fused=True)
    )
    for _ in range(20):
        rows = order.next()
        rule.zero_grad()
        functional.cross_entropy(network(data.x_train[rows]), data.y_train[rows]).backward()
        rule.step()
        with torch.no_grad():
            for name, weight in network.named_parameters():
                if name in mask:
                    weight.mul_(mask[name])
    expected = {name: tensor.detach() for name, tensor in network.state_dict().items()}
    assert same(run(mask=mask, fields={"optimizer": optimizer}).final, expected)


@every_optimizer
def test_pruned_on_the_way_agrees_with_a_plain_loop_that_masks_weights_and_moments(
    run: Callable[..., Trained], make_subject: MakeSubject, make_dataset: MakeDataset, optimizer: dict[str, Any]
) -> None:
    subject, data, order = make_subject(), make_dataset(), Order(90, 10, 1)

    def smaller(weights: Mapping[str, Tensor], step: int) -> dict[str, Tensor]:
        return {name: weights[name].abs() > 0.02 * step for name in subject.shapes}

    network = placed(subject.module, subject.initial_state, device="cpu")
    rule: torch.optim.Optimizer = (
        torch.optim.Adam(network.parameters(), lr=0.01, weight_decay=0.01, fused=True)
        if optimizer is ADAM
        else torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01, fused=True)
    )
    weights = {name: weight for name, weight in network.named_parameters() if name in subject.shapes}
    kept = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in weights.items()}
    for step in range(1, 21):
        rows = order.next()
        rule.zero_grad()
        functional.cross_entropy(network(data.x_train[rows]), data.y_train[rows]).backward()
        rule.step()
        with torch.no_grad():
            if step in (3, 8, 9):
                below = smaller({name: weight * kept[name] for name, weight in weights.items()}, step)
                kept = {name: mask & below[name] for name, mask in kept.items()}
                for name, weight in weights.items():
                    for part, moment in rule.state[weight].items():
                        if part != "step":
                            moment.mul_(kept[name])
            for name, weight in weights.items():
                weight.mul_(kept[name])

    drawn: dict[int, Mask] = {}

    def draw(step: int, weights: Mapping[str, Tensor], within: Mask) -> Mask:
        drawn[step] = Mask({name: within[name] & below for name, below in smaller(weights, step).items()})
        return drawn[step]

    pruning = Pruning((3, 8, 9), draw, Mask.full(subject.shapes))
    trained = run(pruning=pruning, fields={"optimizer": optimizer}, capture_at=[0, 3, 8])
    expected = {name: tensor.detach() for name, tensor in network.state_dict().items()}
    assert same(trained.final, expected)
    assert pruning.mask == Mask(kept)
    assert 0 < pruning.mask.kept_count < pruning.mask.total
    assert same(trained.captured[0], subject.initial_state)
    assert all(same(trained.captured[step], drawn[step].applied_to(trained.captured[step])) for step in (3, 8))
    assert [point.step for point in trained.outgrown] == [5]
    assert [point.step for point in trained.curve] == [10, 15, 20]


@every_optimizer
@pytest.mark.parametrize("architecture", ["mlp", "resnet-20"])
def test_pruned_entries_are_exactly_zero_after_every_update(
    make_subject: MakeSubject,
    make_dataset: MakeDataset,
    make_training: MakeTraining,
    optimizer: dict[str, Any],
    architecture: str,
) -> None:
    subject = make_subject(architecture, **RESNET)
    mask = half_of(subject)
    trained = train(
        subject.module,
        subject.initial_state,
        data=make_dataset((1, 8, 8)),
        training=make_training(length="6it", optimizer=optimizer),
        mask=mask,
        order_seed=0,
        observer=RecordingObserver(),
        capture_at=range(7),
    )
    assert list(trained.captured) == list(range(7))
    for state in (*trained.captured.values(), trained.best, trained.final):
        for name, kept in mask.items():
            assert state[name][~kept].eq(0).all()
            assert state[name][kept].ne(0).any()


def test_survivors_start_at_the_start_and_everything_else_too(
    run: Callable[..., Trained], make_subject: MakeSubject
) -> None:
    subject = make_subject()
    mask = half_of(subject)
    start = {name: tensor + 0.25 for name, tensor in subject.initial_state.items()}
    assert same(run(start=start, mask=mask, capture_at=[0]).captured[0], mask.applied_to(start))


def test_the_start_and_the_module_are_left_as_they_were(run: Callable[..., Trained], make_subject: MakeSubject) -> None:
    start = {name: tensor.clone() for name, tensor in make_subject().initial_state.items()}
    before = {name: tensor.clone() for name, tensor in start.items()}
    run(start=start)
    assert same(start, before)


def test_norm_statistics_of_an_earlier_training_do_not_leak_into_the_next(
    make_subject: MakeSubject, make_dataset: MakeDataset, make_training: MakeTraining
) -> None:
    subject = make_subject("resnet-20", **RESNET)

    def go() -> Trained:
        return train(
            subject.module,
            subject.initial_state,
            data=make_dataset((1, 8, 8)),
            training=make_training(length="3it", optimizer=SGD),
            order_seed=0,
            observer=RecordingObserver(),
            capture_at=[0],
        )

    first, second = go(), go()
    assert first.final["bn1.num_batches_tracked"] == 3
    assert second.captured[0]["bn1.running_var"].eq(1).all()
    assert same(first.final, second.final)


def test_the_same_order_gives_the_same_bits_and_another_order_others(run: Callable[..., Trained]) -> None:
    assert same(run(order_seed=1).final, run(order_seed=1).final)
    assert not same(run(order_seed=1).final, run(order_seed=2).final)


def test_learns(run: Callable[..., Trained]) -> None:
    trained = run(fields={"length": "10ep", "optimizer": ADAM})
    assert trained.curve[-1].accuracy > 0.9 > 1.5 * trained.curve[0].accuracy - 0.5


def test_evaluates_as_often_as_asked_and_once_at_the_end(run: Callable[..., Trained]) -> None:
    assert [point.step for point in run(fields={"length": "17it"}).curve] == [5, 10, 15, 17]


def test_best_is_the_state_at_the_minimum_validation_loss(
    run: Callable[..., Trained], make_subject: MakeSubject, make_dataset: MakeDataset
) -> None:
    # Few examples and a high rate: the validation loss turns up before the end.
    trained = run(
        data=make_dataset(train=20), fields={"length": "200it", "optimizer": ADAM}, capture_at=range(0, 201, 5)
    )
    losses = {point.step: point.loss for point in trained.curve}
    assert trained.early_stop_step == min(losses, key=lambda step: losses[step])
    assert trained.early_stop_step < 200
    assert not trained.censored
    assert same(trained.best, trained.captured[trained.early_stop_step])


def test_a_minimum_at_the_last_evaluation_is_censored(run: Callable[..., Trained]) -> None:
    trained = run(fields={"length": "5it"})
    assert trained.censored
    assert trained.early_stop_step == 5


def test_the_first_of_equal_minima_counts() -> None:
    curve = (CurvePoint(5, 2.0, 0.5), CurvePoint(10, 1.0, 0.6), CurvePoint(15, 1.0, 0.9))
    trained = Trained(final={}, best={}, curve=curve, captured={}, updates=15)
    assert trained.early_stop_step == 10
    assert not trained.censored


def test_late_rewinding_goes_on_at_the_same_rates_and_batches(run: Callable[..., Trained]) -> None:
    # Without momentum nothing but the weights, the step and the order carries over, so both must end alike.
    plain = {"name": "sgd", "learning_rate": 0.1, "momentum": 0}
    fields = {"optimizer": plain, "schedule": {"name": "milestones", "at": ["10it"], "warmup": "4it"}}
    dense = run(fields=fields, capture_at=[7])
    late = run(fields=fields, start=dense.captured[7], first_step=7)
    assert same(late.final, dense.final)
    assert (late.updates, [point.step for point in late.curve]) == (13, [10, 15, 20])


def test_late_rewinding_starts_with_fresh_moments(run: Callable[..., Trained]) -> None:
    dense = run(fields={"optimizer": SGD}, capture_at=[7])
    assert not same(run(fields={"optimizer": SGD}, start=dense.captured[7], first_step=7).final, dense.final)


def test_a_replayed_schedule_has_its_warm_up_again_and_fine_tuning_has_none(run: Callable[..., Trained]) -> None:
    fields = {
        "optimizer": {"name": "sgd", "learning_rate": 1.0, "momentum": 0},
        "schedule": {"name": "milestones", "at": ["10it"], "factor": 0.001, "warmup": "5it"},
    }
    constant = {"optimizer": {"name": "sgd", "learning_rate": 0.001, "momentum": 0}}
    assert same(run(fields=fields, fine_tune=True).final, run(fields=constant).final)
    assert not same(run(fields=fields).final, run(fields=constant).final)


def test_an_earlier_last_step_ends_there_on_the_same_schedule(run: Callable[..., Trained]) -> None:
    fields = {"schedule": {"name": "milestones", "at": ["6it"]}}
    whole = run(fields=fields, capture_at=[12])
    assert same(run(fields=fields, last_step=12).final, whole.captured[12])


@pytest.mark.parametrize("after", [1, 4, 5, 9, 10, 13, 19])
@every_optimizer
def test_a_stopped_training_goes_on_to_the_same_bits(
    run: Callable[..., Trained], make_subject: MakeSubject, optimizer: dict[str, Any], after: int
) -> None:
    words = {"mask": half_of(make_subject()), "fields": {"optimizer": optimizer}, "capture_at": [3, 12]}
    saved = stopped_after(run, after, **words)
    assert saved.step == after
    undisturbed, resumed = run(**words), run(**words, resume=saved, start={})
    for one, other in (
        (undisturbed.final, resumed.final),
        (undisturbed.best, resumed.best),
        (undisturbed.captured[3], resumed.captured[3]),
        (undisturbed.captured[12], resumed.captured[12]),
    ):
        assert same(one, other)
    assert (undisturbed.curve, undisturbed.updates) == (resumed.curve, resumed.updates)


def test_the_best_state_of_before_the_stop_is_not_lost(run: Callable[..., Trained], make_dataset: MakeDataset) -> None:
    words = {"data": make_dataset(train=20), "fields": {"length": "200it", "optimizer": ADAM}}
    undisturbed, resumed = run(**words), run(**words, resume=stopped_after(run, 190, **words))
    assert undisturbed.early_stop_step < 190
    assert same(resumed.best, undisturbed.best)


def test_a_stopped_convolutional_training_in_bf16_goes_on_to_the_same_bits(
    make_subject: MakeSubject, make_dataset: MakeDataset, make_training: MakeTraining
) -> None:
    subject = make_subject("resnet-20", **RESNET)

    def go(**words: Any) -> Trained:
        training = make_training(length="4it", precision="bf16", optimizer=SGD)
        words = {"data": make_dataset((1, 8, 8), bf16=True), "mask": half_of(subject), "order_seed": 0} | words
        words = {"observer": RecordingObserver()} | words
        return train(subject.module, subject.initial_state, training=training, **words)

    saved = stopped_after(go, 2)
    assert same(go(resume=saved).final, go().final)


@pytest.mark.parametrize(
    "lost",
    [
        lambda saved: replace(saved, order={"epoch": 0, "position": 0}),
        lambda saved: replace(saved, moments={name: torch.zeros_like(t) for name, t in saved.moments.items()}),
        lambda saved: replace(saved, optimizer_steps=1),
    ],
    ids=["sampler position", "moments", "optimizer steps"],
)
def test_a_state_that_lost_a_part_ends_elsewhere(
    run: Callable[..., Trained], lost: Callable[[TrainingState], TrainingState]
) -> None:
    saved = stopped_after(run, 7)
    assert same(run(resume=saved).final, run().final)
    assert not same(run(resume=lost(saved)).final, run().final)


def stopped_after(run: Callable[..., Trained], updates: int, **words: Any) -> TrainingState:
    """Stop a training after some updates, and give what it saved as it would be read back."""
    saved: list[TrainingState] = []
    checkpointing = Checkpointing(save=saved.append, every_seconds=inf, clock=lambda: 0.0)
    with pytest.raises(Stopped, match=f"after update {updates} of"):
        run(**words, observer=RecordingObserver(stop_after=updates - 1), checkpointing=checkpointing)
    assert len(saved) == 1
    return TrainingState.from_tensors(*saved[0].to_tensors())


@every_optimizer
def test_pruned_entries_hold_what_they_are_given_and_the_kept_train_as_a_plain_loop_trains_them(
    run: Callable[..., Trained], make_subject: MakeSubject, make_dataset: MakeDataset, optimizer: dict[str, Any]
) -> None:
    subject, data = make_subject(), make_dataset()
    mask = half_of(subject)
    held = run(mask=mask, hold=True, fields={"optimizer": optimizer}, capture_at={7})
    for state in (held.final, held.best, held.captured[7]):
        for name, kept in mask.items():
            assert torch.equal(state[name][~kept], subject.initial_state[name][~kept])
            assert not torch.equal(state[name][kept], subject.initial_state[name][kept])
    network = placed(subject.module, subject.initial_state, device="cpu")
    maker = torch.optim.Adam if optimizer["name"] == "adam" else torch.optim.SGD
    settings = {("lr" if key == "learning_rate" else key): v for key, v in optimizer.items() if key != "name"}
    plain, order = maker(network.parameters(), **settings, fused=True), Order(90, 10, 1)
    for _ in range(20):
        rows = order.next()
        plain.zero_grad()
        functional.cross_entropy(network(data.x_train[rows]), data.y_train[rows]).backward()
        plain.step()
        with torch.no_grad():
            for name, kept in mask.items():
                weight = network.get_parameter(name)
                weight[~kept] = subject.initial_state[name][~kept]
    assert same(held.final, network.state_dict())


def test_a_training_that_holds_goes_on_to_the_bit_after_a_stop(
    run: Callable[..., Trained], make_subject: MakeSubject
) -> None:
    words = {"mask": half_of(make_subject()), "hold": True}
    undisturbed, resumed = run(**words), run(**words, resume=stopped_after(run, 12, **words), start={})
    assert same(undisturbed.final, resumed.final)
    assert same(undisturbed.best, resumed.best)


def test_the_average_of_what_is_held_is_what_is_held(run: Callable[..., Trained], make_subject: MakeSubject) -> None:
    subject = make_subject()
    mask = half_of(subject)
    averaged = run(mask=mask, hold=True, fields={"ema": {"decay": 0.9}, "gradient_clip": 0.1})
    for name, kept in mask.items():
        assert torch.equal(averaged.final[name][~kept], subject.initial_state[name][~kept])


def test_holding_zeros_is_pruning(run: Callable[..., Trained], make_subject: MakeSubject) -> None:
    subject = make_subject()
    mask = half_of(subject)
    held = run(mask=mask, hold=True, start=mask.applied_to(subject.initial_state))
    assert same(held.final, run(mask=mask).final)


def test_a_state_of_another_training_is_refused(run: Callable[..., Trained]) -> None:
    saved = stopped_after(run, 12)
    for end in (10, 12):
        with pytest.raises(CheckpointError, match=f"step of 0 to {end - 1}, got 12"):
            run(resume=saved, last_step=end)
    with pytest.raises(CheckpointError, match="step of 15 to 19, got 12"):
        run(resume=saved, first_step=15)
    with pytest.raises(CheckpointError, match="moments"):
        run(resume=saved, fields={"optimizer": SGD})


def test_saves_whenever_the_time_has_come(run: Callable[..., Trained]) -> None:
    saved: list[TrainingState] = []
    ticking = count()  # one second passes between any two looks at the clock
    run(checkpointing=Checkpointing(save=saved.append, every_seconds=3, clock=lambda: float(next(ticking))))
    assert [state.step for state in saved] == [3, 6, 9, 12, 15, 18]


def test_a_saved_state_does_not_change_while_training_goes_on(run: Callable[..., Trained]) -> None:
    saved: list[tuple[TrainingState, dict[str, Tensor]]] = []

    def save(state: TrainingState) -> None:
        saved.append((state, {name: tensor.clone() for name, tensor in state.to_tensors()[0].items()}))

    run(checkpointing=Checkpointing(save=save, every_seconds=0, clock=lambda: 0.0))
    assert all(same(state.to_tensors()[0], copy) for state, copy in saved)


def test_a_stop_asked_for_at_the_last_update_comes_too_late_to_matter(run: Callable[..., Trained]) -> None:
    assert same(run(observer=RecordingObserver(stop_after=19)).final, run().final)


def test_tells_how_far_it_is(run: Callable[..., Trained]) -> None:
    observer = RecordingObserver()
    run(observer=observer)
    assert observer.last_progress == {"step": 20, "steps_total": 20}
    run(observer=observer, first_step=7, last_step=9)
    assert observer.last_progress == {"step": 9, "steps_total": 9}


@pytest.mark.parametrize("precision", ["fp32", "fp16"])  # fp16 skips the updates, and its weights stay finite
@pytest.mark.parametrize("bad", [nan, inf])
def test_a_training_loss_that_is_no_number_ends_the_training(
    run: Callable[..., Trained], make_dataset: MakeDataset, bad: float, precision: str
) -> None:
    data = make_dataset()
    x_train = data.x_train.clone()
    x_train[:, 0] = bad
    with pytest.raises(DivergedError, match="after update 5"):
        run(data=replace(data, x_train=x_train), fields={"precision": precision})


def test_a_validation_loss_that_is_no_number_ends_the_training(
    run: Callable[..., Trained], make_dataset: MakeDataset
) -> None:
    data = make_dataset()
    with pytest.raises(DivergedError, match="nan in validation after update 5"):
        run(data=replace(data, x_validation=data.x_validation * nan))


def test_weights_that_run_away_end_the_training(run: Callable[..., Trained]) -> None:
    with pytest.raises(DivergedError, match="smaller learning rate"):
        run(fields={"optimizer": {"name": "sgd", "learning_rate": 1000, "momentum": 0.99}, "length": "200it"})


def test_bf16_keeps_weights_in_fp32_and_differs_from_fp32(
    run: Callable[..., Trained], make_dataset: MakeDataset
) -> None:
    half = run(data=make_dataset(bf16=True), fields={"precision": "bf16"})
    assert {tensor.dtype for tensor in half.final.values()} == {torch.float32}
    assert not same(half.final, run().final)
    assert half.curve[-1].loss == pytest.approx(run().curve[-1].loss, rel=0.05)


def test_a_reinitialised_control_ends_elsewhere_under_the_same_mask(
    run: Callable[..., Trained], make_subject: MakeSubject
) -> None:
    subject = make_subject()
    mask = half_of(subject)
    assert not same(run(mask=mask).final, run(mask=mask, start=redraw(subject, 5)).final)


def test_training_never_imports_the_compiler() -> None:
    code = """
import sys, torch
from ticketing.architectures import arguments_for
from ticketing.data.dataset import Dataset
from ticketing.folder import ModelSpec
from ticketing.observer import RecordingObserver
from ticketing.training.pruning import Pruning
from ticketing.recipe import Training
from ticketing.subject import load_subject
from ticketing.training.loop import train
for architecture, precision in (("resnet-20", "bf16"), ("lenet-300-100", "fp32")):
    arguments = arguments_for(architecture, {}, data_shape=(1, 8, 8), classes=2)
    subject = load_subject(ModelSpec(architecture=architecture, arguments=arguments, seed=0))
    x, y = torch.randn(8, 1, 8, 8), torch.arange(8) % 2
    training = Training(length="2it", batch_size=4, precision=precision, evaluate_every="1it")
    train(subject.module, subject.initial_state, data=Dataset(x, y, x, y, x, y, 2, "x", "x"), training=training,
          order_seed=0, observer=RecordingObserver())
print([name for name in ("torch._dynamo", "torch._inductor", "sympy", "sklearn") if name in sys.modules])
"""
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def stalled(losses: list[float], patience: int) -> bool:
    """The rule, slowly: none of the last `patience` evaluations is below the lowest before them."""
    return len(losses) > patience and all(loss >= min(losses[:-patience]) for loss in losses[-patience:])


@pytest.mark.parametrize("patience", [1, 2, 4])
def test_a_training_that_may_end_early_ends_at_the_first_evaluation_at_which_it_has_stalled(
    run: Callable[..., Trained], patience: int
) -> None:
    fields = {"length": "300it", "optimizer": {"name": "adam", "learning_rate": 0.05}}
    whole, early = run(fields=fields), run(fields=fields, patience=patience)
    losses = [point.loss for point in whole.curve]
    end = next(i for i in range(len(losses)) if stalled(losses[: i + 1], patience))
    assert end < len(losses) - 1
    assert early.curve == whole.curve[: end + 1]
    assert (early.updates, early.censored) == (whole.curve[end].step, False)


def test_a_loss_that_stays_is_no_lower_one_and_its_first_state_is_the_best(run: Callable[..., Trained]) -> None:
    def constant(logits: Tensor, y: Tensor, /, *, reduction: str = "mean", label_smoothing: float = 0.0) -> Tensor:
        return 0 * logits.sum() + 1 if reduction == "mean" else torch.ones(len(y))

    # Only the decay moves the weights.
    trained = run(fields={"optimizer": SGD}, loss=constant, patience=2, capture_at=[5])
    assert (trained.updates, trained.early_stop_step) == (15, 5)
    assert same(trained.best, trained.captured[5])
    assert not same(trained.best, trained.final)


def test_it_does_not_end_before_the_states_that_are_asked_for(run: Callable[..., Trained]) -> None:
    fields = {"length": "300it", "optimizer": {"name": "adam", "learning_rate": 0.05}}
    ended = run(fields=fields, patience=1).updates
    later = run(fields=fields, patience=1, capture_at={ended})
    assert later.captured.keys() == {ended}
    assert later.updates > ended


def test_it_ends_at_the_same_update_when_it_was_stopped_on_its_way(run: Callable[..., Trained]) -> None:
    fields = {"length": "300it", "optimizer": {"name": "adam", "learning_rate": 0.05}}
    whole, saved = run(fields=fields, patience=2), list[TrainingState]()
    with pytest.raises(Stopped):
        run(
            fields=fields,
            patience=2,
            observer=RecordingObserver(stop_after=whole.updates - 2),
            checkpointing=Checkpointing(saved.append, inf, lambda: 0.0),
        )
    assert same(run(fields=fields, patience=2, resume=saved[-1]).final, whole.final)


def test_a_short_training_is_the_beginning_of_the_whole_one(run: Callable[..., Trained]) -> None:
    fields = {"length": "40it", "schedule": {"name": "milestones", "at": ["10it", "30it"]}}
    short, whole = run(fields=fields, last_step=20), run(fields=fields, capture_at={20})
    assert same(short.final, whole.captured[20])

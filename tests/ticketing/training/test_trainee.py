"""ticketing.training.trainee: what one update does under every option of a training, and going on from what it saved.

Pruned entries are zero after every update and their moments reach nobody; averages, clipping, smoothing, augmentation
and fp16 are what the slow and obvious loop makes of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from ticketing.data.augmentation import Augmentation
from ticketing.data.dataset import Dataset
from ticketing.data.order import Order
from ticketing.errors import CheckpointError
from ticketing.mask import Mask
from ticketing.recipe import Training
from ticketing.subject import Subject, placed
from ticketing.training.gradients import laid_like
from ticketing.training.state import TrainingState
from ticketing.training.trainee import Trainee

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


# -- every option, under a mask -------------------------------------------------------------------------------------

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"name": "sgd", "momentum": 0.9, "weight_decay": 0.01},
    "nesterov": {"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01, "weight_decay_on": "weights"},
    "adam": {"name": "adam", "weight_decay": 0.01},
    "adamw": {"name": "adamw", "weight_decay": 0.1, "weight_decay_on": "weights"},
}
every_optimizer = pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "clip": {"gradient_clip": 0.1},
    "smoothing": {"label_smoothing": 0.2},
    "ema": {"ema": {"decay": 0.8}},
    "crop": {"augment": "flip_crop"},
    "cutout": {"augment": "cutout"},
    "fp16": {"precision": "fp16"},
    "all": {"gradient_clip": 0.1, "label_smoothing": 0.1, "ema": {"decay": 0.5}, "augment": "flip_crop",
            "precision": "fp16"},
}  # fmt: skip
SHAPE = (1, 8, 8)


def half_of(subject: Subject) -> Mask:
    generator = torch.Generator().manual_seed(9)
    return Mask({name: torch.rand(shape, generator=generator) < 0.5 for name, shape in subject.shapes.items()})


@pytest.fixture(scope="session")
def trainee_with(
    make_subject: MakeSubject, make_dataset: MakeDataset, make_training: MakeTraining
) -> Callable[..., Trainee]:
    """Make a trainee of a perceptron on 90 images of 8x8, masked to half, in batches of 10."""
    subject = make_subject(in_features=64, hidden=[16, 12], classes=3)
    data = make_dataset(SHAPE)

    def make(resume: TrainingState | None = None, data: Dataset = data, dense: bool = False, **fields: Any) -> Trainee:
        fields = {"optimizer": OPTIMIZERS["nesterov"]} | fields
        mask = None if dense else half_of(subject)
        start = subject.initial_state if mask is None else mask.applied_to(subject.initial_state)
        start = start if resume is None else resume.state
        made = Trainee(subject.module, start, data, make_training(**fields), mask, 1)
        if resume is not None:
            made.go_on(TrainingState.from_tensors(*resume.to_tensors()))
        return made

    return make


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@settings(deadline=None, max_examples=40)
@given(
    optimizer=st.sampled_from(list(OPTIMIZERS)),
    decay=st.none() | st.floats(0.01, 0.999),
    clip=st.none() | st.floats(1e-3, 10),
    smoothing=st.floats(0, 0.9),
    augment=st.sampled_from(["none", "flip_crop", "cutout"]),
    precision=st.sampled_from(["fp32", "fp16"]),
)
def test_pruned_entries_are_exactly_zero_after_every_update_whatever_is_asked(
    trainee_with: Callable[..., Trainee],
    optimizer: str,
    decay: float | None,
    clip: float | None,
    smoothing: float,
    augment: str,
    precision: str,
) -> None:
    trainee = trainee_with(
        optimizer=OPTIMIZERS[optimizer],
        ema=None if decay is None else {"decay": decay},
        gradient_clip=clip,
        label_smoothing=smoothing,
        augment=augment,
        precision=precision,
    )
    for _ in range(4):
        trainee.update(0.05)
        for network in (trainee.network, trainee.result):
            weights = dict(network.named_parameters())
            assert all(weights[name][~kept].eq(0).all() for name, kept in trainee.masked.mask.items())
            assert all(weights[name][kept].ne(0).any() for name, kept in trainee.masked.mask.items())


@every_optimizer
@pytest.mark.parametrize("option", ["plain", "clip", "ema"])
def test_the_moments_of_pruned_entries_reach_nobody(
    trainee_with: Callable[..., Trainee], optimizer: str, option: str
) -> None:
    fields = {"optimizer": OPTIMIZERS[optimizer]} | OPTIONS[option]
    trainee, twin = trainee_with(**fields), trainee_with(**fields)
    leftover = 0.0
    for _ in range(8):
        trainee.update(0.05)
        twin.update(0.05)
        saved = twin.saved()
        emptied = dict(saved.moments)
        for name, kept in twin.masked.mask.items():
            for part in [part for part in emptied if part.endswith(f"/{name}")]:
                leftover += float(emptied[part][~kept].abs().sum())
                emptied[part] = emptied[part].masked_fill(~kept, 0)
        twin = trainee_with(resume=replace(saved, moments=emptied), **fields)
        assert same(trainee.saved().state, twin.saved().state)
        assert same(dict(trainee.result.state_dict()), dict(twin.result.state_dict()))
    assert leftover > 0 or option == "clip"  # there was something that could have leaked


@every_optimizer
@pytest.mark.parametrize("option", ["plain", "ema"])
def test_what_is_pruned_on_the_way_leaves_neither_weight_nor_moment_nor_average(
    trainee_with: Callable[..., Trainee], optimizer: str, option: str
) -> None:
    trainee = trainee_with(**{"optimizer": OPTIMIZERS[optimizer]} | OPTIONS[option])
    for _ in range(3):
        trainee.update(0.05)
    before, generator = trainee.saved(), torch.Generator().manual_seed(1)
    mask = Mask(
        {name: kept & (torch.rand(kept.shape, generator=generator) < 0.5) for name, kept in trainee.masked.mask.items()}
    )
    trainee.prune(mask)
    after = trainee.saved()
    assert any(part.partition("/")[2] in mask for part in after.moments) or optimizer == "sgd"
    for parts, was in ((after.state, before.state), (after.moments, before.moments), (after.average, before.average)):
        for part, tensor in parts.items():
            name = part if part in mask else part.partition("/")[2]
            expected = was[part] * mask[name] if name in mask else was[part]
            assert torch.equal(tensor, expected)
    trainee.update(0.05)
    assert all(weight[~mask[name]].eq(0).all() for name, weight in trainee.masked().items())
    assert all(weight[mask[name]].ne(0).any() for name, weight in trainee.masked().items())


def test_what_was_evaluated_before_a_pruning_is_of_another_network(trainee_with: Callable[..., Trainee]) -> None:
    trainee = trainee_with()
    trainee.evaluate()
    before = list(trainee.curve)
    trainee.prune(trainee.masked.mask)
    assert (trainee.curve, trainee.best, trainee.outgrown) == ([], None, before)
    trainee.evaluate()
    assert (len(trainee.curve), trainee.outgrown) == (1, before)


@pytest.mark.parametrize("option", list(OPTIONS))
@every_optimizer
def test_goes_on_from_what_it_saved_to_the_same_bits(
    trainee_with: Callable[..., Trainee], optimizer: str, option: str
) -> None:
    fields = {"optimizer": OPTIMIZERS[optimizer]} | OPTIONS[option]
    whole, parts = trainee_with(**fields), trainee_with(**fields)
    for step in range(12):  # over the end of an epoch, which has 9
        whole.update(0.05)
        parts.update(0.05)
        if step in (0, 8, 10):
            parts = trainee_with(resume=parts.saved(), **fields)
    tensors, facts = whole.saved().to_tensors()
    other, other_facts = parts.saved().to_tensors()
    assert facts == other_facts
    assert same(tensors, other)


@pytest.mark.parametrize(("option", "part"), [("ema", "average"), ("fp16", "loss_scale")])
def test_a_state_without_a_part_that_is_needed_is_refused(
    trainee_with: Callable[..., Trainee], option: str, part: str
) -> None:
    trainee = trainee_with(**OPTIONS[option])
    trainee.update(0.05)
    with pytest.raises(CheckpointError):
        trainee_with(resume=replace(trainee.saved(), **{part: {}}), **OPTIONS[option])


def test_what_is_evaluated_and_kept_is_the_average_and_what_is_captured_is_not(
    trainee_with: Callable[..., Trainee],
) -> None:
    plain, trainee = trainee_with(), trainee_with(ema={"decay": 0.75})
    average = {name: tensor.clone() for name, tensor in trainee.network.named_parameters()}
    for _ in range(5):
        plain.update(0.05)
        trainee.update(0.05)
        for name, weight in plain.network.named_parameters():
            average[name] = 0.75 * average[name] + 0.25 * weight
    trainee.capture()
    trainee.evaluate()
    plain.evaluate()
    assert trainee.best is not None
    assert same(trainee.captured[5], plain.saved().state)
    assert same(trainee.best, dict(trainee.result.state_dict()))
    for name, tensor in average.items():
        assert torch.allclose(trainee.best[name], tensor, atol=1e-6)
    assert trainee.curve != plain.curve


def looped(
    trainee: Trainee, data: Dataset, updates: int, gradient: Callable[[nn.Module, Tensor, Tensor, int], list[Tensor]]
) -> dict[str, Tensor]:
    """Train as the trainee should, the slow and obvious way: SGD without momentum at a rate of 0.05."""
    network, order = placed(trainee.network, trainee.network.state_dict(), device="cpu"), Order(90, 10, 1)
    for step in range(updates):
        rows = order.next()
        made = gradient(network, data.x_train[rows], data.y_train[rows], step)
        with torch.no_grad():
            for (name, weight), own in zip(network.named_parameters(), made, strict=True):
                weight -= 0.05 * own
                if name in trainee.masked.mask:
                    weight *= trainee.masked.mask[name]
    return dict(network.state_dict())


PLAIN_SGD = {"name": "sgd", "momentum": 0.0}


def agrees(trainee: Trainee, expected: Mapping[str, Tensor], updates: int) -> bool:
    for _ in range(updates):
        trainee.update(0.05)
    return all(torch.allclose(tensor, expected[name], atol=1e-6) for name, tensor in trainee.saved().state.items())


def test_the_norm_that_is_clipped_is_of_kept_entries_alone(
    trainee_with: Callable[..., Trainee], make_dataset: MakeDataset
) -> None:
    trainee = trainee_with(optimizer=PLAIN_SGD, gradient_clip=0.3)

    def clipped_gradient(network: nn.Module, x: Tensor, y: Tensor, step: int) -> list[Tensor]:
        network.zero_grad()
        functional.cross_entropy(network(x), y).backward()
        for name, weight in network.named_parameters():
            if name in trainee.masked.mask and weight.grad is not None:
                weight.grad.mul_(trainee.masked.mask[name])
        assert torch.nn.utils.clip_grad_norm_(network.parameters(), 0.3) > 0.3
        return [weight.grad for weight in network.parameters() if weight.grad is not None]

    assert agrees(trainee, looped(trainee, make_dataset(SHAPE), 5, clipped_gradient), 5)


def test_smoothing_spreads_a_share_of_the_target_over_all_classes(
    trainee_with: Callable[..., Trainee], make_dataset: MakeDataset
) -> None:
    trainee = trainee_with(optimizer=PLAIN_SGD, label_smoothing=0.3)

    def smoothed_gradient(network: nn.Module, x: Tensor, y: Tensor, step: int) -> list[Tensor]:
        target = 0.7 * functional.one_hot(y, 3) + 0.3 / 3
        loss = -(target * network(x).log_softmax(1)).sum(1).mean()
        return list(torch.autograd.grad(loss, list(network.parameters())))

    assert agrees(trainee, looped(trainee, make_dataset(SHAPE), 5, smoothed_gradient), 5)


def test_images_are_augmented_by_seed_and_step_whatever_is_evaluated(
    trainee_with: Callable[..., Trainee], make_dataset: MakeDataset
) -> None:
    trainee, data = trainee_with(optimizer=PLAIN_SGD, augment="flip_crop"), make_dataset(SHAPE)
    augmentation = Augmentation("flip_crop", 1, per_epoch=9)

    def augmented_gradient(network: nn.Module, x: Tensor, y: Tensor, step: int) -> list[Tensor]:
        loss = functional.cross_entropy(network(augmentation(x, step)), y)
        return list(torch.autograd.grad(loss, list(network.parameters())))

    expected = looped(trainee, data, 12, augmented_gradient)
    other = trainee_with(optimizer=PLAIN_SGD, augment="flip_crop")
    assert agrees(trainee, expected, 12)
    for _ in range(12):
        other.evaluate()
        other.update(0.05)
    assert same(other.saved().state, trainee.saved().state)


def test_a_training_that_begins_late_sees_the_images_of_its_steps(trainee_with: Callable[..., Trainee]) -> None:
    fields = {"optimizer": PLAIN_SGD, "augment": "cutout"}
    whole = trainee_with(**fields)
    for _ in range(11):
        whole.update(0.05)
    late = trainee_with(resume=whole.saved(), **fields)
    late.begin(11)
    whole.update(0.05)
    late.update(0.05)
    assert same(late.saved().state, whole.saved().state)


def test_fp16_keeps_weights_in_fp32_and_stays_near_fp32(trainee_with: Callable[..., Trainee]) -> None:
    half, full = trainee_with(precision="fp16"), trainee_with()
    for _ in range(10):
        half.update(0.02)
        full.update(0.02)
    assert {tensor.dtype for tensor in half.saved().state.values()} == {torch.float32}
    assert not same(half.saved().state, full.saved().state)
    for name, tensor in full.saved().state.items():
        assert torch.allclose(half.saved().state[name], tensor, atol=0.02)


@every_optimizer
def test_an_update_whose_gradient_overflows_fp16_is_skipped(
    trainee_with: Callable[..., Trainee], make_dataset: MakeDataset, optimizer: str
) -> None:
    data = make_dataset(SHAPE)
    loud = replace(data, x_train=data.x_train * 100)
    trainee = trainee_with(data=loud, precision="fp16", optimizer=OPTIMIZERS[optimizer])
    before, scales = trainee.saved(), []
    for _ in range(12):
        trainee.update(1e-4)
        scales.append(float(trainee.saved().loss_scale["scale"]))
        if len(scales) == 1:
            assert same(trainee.saved().state, before.state)
            assert all(tensor.eq(0).all() for tensor in trainee.saved().moments.values())
    assert scales[0] == 2.0**15
    assert scales[-1] == scales[-2] < 2.0**15  # small enough by now
    assert not same(trainee.saved().state, before.state)
    assert all(tensor.isfinite().all() for tensor in trainee.saved().state.values())
    if "adam" in optimizer:
        assert trainee.saved().moments["made"] == 12 - sum(
            later < earlier for earlier, later in zip([2.0**16, *scales], scales, strict=False)
        )

"""ticketing.training.block_floating: the numbers are those of exact integers, and a training holds no others.

Laws of the rounding first (against arithmetic of fractions), then of one network (against an update written out by
hand), then of a whole training: pruned stays zero, the same seed gives the same bits, stopped or not.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import floor, frexp, inf, isfinite, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor, nn
from torch.nn import functional

from ticketing.architectures import ARCHITECTURES
from ticketing.data.canonical import Summary, load_canonical
from ticketing.data.dataset import Dataset
from ticketing.data.order import Order
from ticketing.data.preparation import prepare
from ticketing.errors import DivergedError
from ticketing.mask import Mask
from ticketing.observer import RecordingObserver, Stopped
from ticketing.recipe import Iterative, Training
from ticketing.subject import Subject, placed
from ticketing.training.block_floating import BlockFloating, quantised
from ticketing.training.loop import Checkpointing, train
from ticketing.training.state import TrainingState
from ticketing.training.trained import Trained
from ticketing.training.trainee import Trainee

MakeSubject = Callable[..., Subject]
MakeDataset = Callable[..., Dataset]
MakeTraining = Callable[..., Training]

CPU = torch.device("cpu")
LEAST = 2.0**-126
"""The smallest number above zero that is no denormal."""


def noise_for(x: Tensor, seed: int = 0) -> Tensor:
    return torch.rand(x.shape, generator=torch.Generator().manual_seed(seed))


def bits_of(x: Tensor) -> Tensor:
    return x.contiguous().view(torch.int32)


def blocks_of(x: Tensor, axis: int | None) -> list[Tensor]:
    return [x] if axis is None or axis >= x.dim() else list(x.unbind(axis))


def step_of(block: Tensor, bits: int = 8) -> float:
    """Give the step of a block that holds something, in float64."""
    largest = float(block.abs().max())
    return 2.0 ** max(frexp(largest)[1] - 1 - (bits - 2), -126)


def is_held(x: Tensor, *, bits: int = 8, axis: int | None = 0) -> bool:
    """Say whether every block is whole multiples, small enough, of its step."""
    most = 2 ** (bits - 1) - 1
    for block in blocks_of(x, axis):
        if block.any():
            whole = block.double() / step_of(block, bits)
            if not (whole.equal(whole.round()) and whole.abs().max() <= most):
                return False
    return True


def by_fractions(x: Tensor, noise: Tensor, *, bits: int, axis: int | None) -> Tensor:
    """Round entry by entry in exact arithmetic."""
    made, most = torch.empty_like(x), 2 ** (bits - 1) - 1
    for into, block, draws in zip(*(blocks_of(t, axis) for t in (made, x, noise)), strict=True):
        values = block.reshape(-1).tolist()
        if not all(map(isfinite, values)):
            into.copy_(block)
            continue
        step = Fraction(step_of(block, bits))
        rounded = []
        for value, draw in zip(values, draws.reshape(-1).tolist(), strict=True):
            exact = Fraction(value) / step
            whole = floor(exact) + (Fraction(draw) < exact - floor(exact))
            rounded.append(float(max(-most, min(most, whole)) * step))
        into.copy_(torch.tensor(rounded).reshape(block.shape))
    return made


shapes = arrays.array_shapes(min_dims=0, max_dims=4, max_side=5)
axes = st.sampled_from([None, 0, 1])


@st.composite
def tensors(draw: st.DrawFn, special: bool = False) -> Tensor:
    floats = st.floats(width=32, allow_nan=special, allow_infinity=special, allow_subnormal=True)
    near = st.floats(-1.0, 1.0, width=32)
    return torch.from_numpy(np.asarray(draw(arrays.arrays(np.float32, draw(shapes), elements=floats | near))))


# -- the rounding ---------------------------------------------------------------------------------------------------


@given(x=tensors(special=True), bits=st.integers(2, 12), axis=axes, seed=st.integers(0, 1000))
def test_rounds_as_exact_arithmetic_does(x: Tensor, bits: int, axis: int | None, seed: int) -> None:
    noise = noise_for(x, seed)
    made = quantised(x, noise, bits=bits, axis=axis)
    assert torch.equal(bits_of(made), bits_of(by_fractions(x, noise, bits=bits, axis=axis)))


@given(x=tensors(), bits=st.integers(2, 12), axis=axes, seed=st.integers(0, 1000))
def test_what_comes_is_small_whole_multiples_of_a_power_of_two_less_than_a_step_away(
    x: Tensor, bits: int, axis: int | None, seed: int
) -> None:
    made = quantised(x, noise_for(x, seed), bits=bits, axis=axis)
    assert made.dtype == torch.float32
    assert is_held(made, bits=bits, axis=axis)
    assert (made.eq(0) | made.abs().ge(LEAST)).all()
    for before, after in zip(blocks_of(x, axis), blocks_of(made, axis), strict=True):
        assert ((after.double() - before.double()).abs() < step_of(before, bits)).all()


@given(x=tensors(), bits=st.integers(2, 12), axis=axes, seeds=st.tuples(st.integers(0, 99), st.integers(100, 199)))
def test_what_is_held_already_comes_back_bit_for_bit(
    x: Tensor, bits: int, axis: int | None, seeds: tuple[int, int]
) -> None:
    once, twice = (noise_for(x, seed) for seed in seeds)
    held = quantised(x, once, bits=bits, axis=axis)
    for noise in (twice, torch.zeros_like(x), torch.full_like(x, 1 - 2.0**-24)):
        assert torch.equal(bits_of(quantised(held, noise, bits=bits, axis=axis)), bits_of(held))


def test_every_number_of_eight_bits_comes_back_at_every_exponent() -> None:
    whole = torch.arange(-127, 128, dtype=torch.float32)
    noise = torch.full((255,), 1 - 2.0**-24)  # a whole number plus this is the next whole number, in float32
    for exponent in range(-126, 122):
        held = whole * 2.0**exponent
        assert torch.equal(quantised(held, noise, axis=None), held)


@given(x=tensors(), axis=axes, draw=st.floats(0, 1, exclude_max=True, width=32))
def test_with_one_draw_for_all_the_order_stays(x: Tensor, axis: int | None, draw: float) -> None:
    made = quantised(x, torch.full_like(x, draw), axis=axis)
    for before, after in zip(blocks_of(x, axis), blocks_of(made, axis), strict=True):
        assert (after.reshape(-1)[before.reshape(-1).argsort()].diff() >= 0).all()


def test_the_mean_over_many_draws_is_the_number_itself() -> None:
    draws, generator = 40_000, torch.Generator().manual_seed(1)
    x = torch.cat(
        [torch.tensor([1.0]), torch.randn(60, generator=generator) / 3, torch.tensor([1e-3, -1e-3, 127 / 64])]
    )
    block = x.clamp(-127 / 64, 127 / 64).expand(draws, -1)
    made = quantised(block, torch.rand(block.shape, generator=generator)).double()
    step = 1 / 64
    part = block[0].double().div(step).frac().abs()
    # The deviation of a draw is that of a coin, times the step; 5 of them is passed once in 27,000 runs of 64.
    bound = 5 * step * (part * (1 - part) / draws).sqrt() + step * 2.0**-24
    assert ((made.mean(0) - block[0].double()).abs() <= bound).all()
    assert (part > 0).sum() > 50


def test_what_is_larger_than_the_largest_integer_is_cut_to_it() -> None:
    x = torch.tensor([127.9, -127.9, 1.0])
    assert quantised(x, torch.zeros(3), axis=None).tolist() == [127.0, -127.0, 1.0]


@pytest.mark.parametrize("other", [1.0, 1e-45, 1e38])
def test_zeros_stay_positive_zeros_whatever_is_beside_them(other: float) -> None:
    x = torch.tensor([[0.0, -0.0, other], [0.0, 0.0, -0.0]])
    made = quantised(x, torch.zeros_like(x))  # rounds up whatever can be
    assert torch.equal(bits_of(made[:, :2]), torch.zeros(2, 2, dtype=torch.int32))
    assert torch.equal(bits_of(made[1]), torch.zeros(3, dtype=torch.int32))
    assert made[0, 2] > 0


def test_below_the_least_normal_number_there_is_zero_or_that_number_and_the_mean_stays() -> None:
    x = torch.full((20_000,), LEAST / 4)
    made = quantised(x, noise_for(x), axis=None)
    assert set(made.tolist()) == {0.0, LEAST}
    assert abs(float((made > 0).double().mean()) - 0.25) < 5 * (0.25 * 0.75 / 20_000) ** 0.5


@pytest.mark.parametrize("bad", [inf, -inf, nan])
def test_a_block_that_broke_stays_as_it_is_and_the_others_are_rounded(bad: float) -> None:
    x = torch.tensor([[0.3, bad, -0.0], [0.3, 0.2, 0.1]])
    made = quantised(x, noise_for(x))
    assert torch.equal(bits_of(made[0]), bits_of(x[0]))
    assert is_held(made[1:])
    assert not torch.equal(made[1], x[1])


def test_the_memory_layout_stays_and_changes_no_bit() -> None:
    x = torch.randn(4, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    plain, noise = quantised(x, noise_for(x)), noise_for(x)
    for laid in (x.to(memory_format=torch.channels_last), x.permute(1, 3, 0, 2).contiguous().permute(2, 0, 3, 1)):
        made = quantised(laid, noise)
        assert made.stride() == laid.stride() != x.stride()
        assert torch.equal(made, plain)
    whole = torch.randn(8, 3, 5, 6)
    whole[::2] = x
    assert torch.equal(quantised(whole[::2], noise), plain)


def test_a_block_is_a_slice_along_the_axis_or_all_there_is() -> None:
    x = torch.tensor([[100.0, 1.3], [0.01, 0.013]])
    assert quantised(x, torch.zeros_like(x), axis=None)[1].tolist() == [1.0, 1.0]
    assert quantised(x, torch.zeros_like(x), axis=0)[1].tolist() == [82 * 2.0**-13, 107 * 2.0**-13]
    assert quantised(x, torch.zeros_like(x), axis=1)[:, 0].tolist() == [100.0, 1.0]
    assert torch.equal(quantised(x.T, torch.zeros_like(x), axis=1), quantised(x, torch.zeros_like(x)).T)


# -- noise ----------------------------------------------------------------------------------------------------------


def test_the_noise_depends_on_seed_and_update_alone() -> None:
    x = torch.randn(30, 20, generator=torch.Generator().manual_seed(0))

    def second(seed: int, *steps: int) -> Tensor:
        arithmetic = BlockFloating(seed, CPU)
        for step in steps:
            arithmetic.begin(step)
            arithmetic.of(x)
        return arithmetic.of(x)

    assert torch.equal(second(1, 7), second(1, 2, 5, 7))
    assert torch.equal(second(1), second(1))
    others = [second(1, 7), second(1, 8), second(2, 7), second(1)]
    assert all(not torch.equal(one, other) for i, one in enumerate(others) for other in others[:i])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_another_precision_is_refused(dtype: torch.dtype) -> None:
    with pytest.raises(ValueError, match="expected float32"):
        BlockFloating(0, CPU).of(torch.ones(2, dtype=dtype))


# -- one network ----------------------------------------------------------------------------------------------------


class _Seen:
    """Keeps what modules hand on, once it is rounded, and what of the loss's gradient reaches them."""

    def __init__(self, network: nn.Module) -> None:
        self.outputs: list[Tensor] = []
        self.gradients: list[Tensor] = []
        for module in network.modules():
            if not list(module.children()) and not isinstance(module, nn.Identity | nn.Flatten):
                # Hooks run in the order they came in: this one before the rounding, the next one after it.
                module.register_forward_hook(self._before, prepend=True)
                module.register_forward_hook(self._after)

    def _before(self, _: nn.Module, __: Any, output: Tensor) -> None:
        if output.requires_grad:
            output.register_hook(lambda gradient: self.gradients.append(gradient.clone()))

    def _after(self, _: nn.Module, __: Any, output: Tensor) -> None:
        self.outputs.append(output.detach().clone())


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_every_module_of_every_architecture_hands_on_eight_bits_and_the_logits_alone_are_left(
    make_subject: MakeSubject, tiny_arguments: Callable[[str], dict[str, Any]], name: str
) -> None:
    subject = make_subject(name, **tiny_arguments(name))
    network = placed(subject.module, subject.initial_state, device=CPU).train()
    BlockFloating(0, CPU).watch(network)
    seen = _Seen(network)
    generator = torch.Generator().manual_seed(0)
    shape = subject.inventory.input_shape
    if ARCHITECTURES[name].task == "next_token":
        logits = network(torch.randint(3, (2, *shape), generator=generator))
    else:
        logits = network(torch.randn(4, *shape, generator=generator))
    assert not is_held(logits.detach())
    logits.square().sum().backward()
    assert all(map(is_held, seen.outputs))
    assert len(seen.gradients) >= len(subject.inventory.prunable) - 1
    assert sum(not is_held(gradient) for gradient in seen.gradients) <= 1  # that of the logits


def test_the_gradient_goes_straight_through_and_is_rounded_with_the_next_noise() -> None:
    network = nn.Sequential(nn.Sigmoid(), nn.Flatten())
    BlockFloating(3, CPU).watch(network)
    twin, x = BlockFloating(3, CPU), torch.randn(5, 6, generator=torch.Generator().manual_seed(0), requires_grad=True)
    weights = torch.rand(5, 6, generator=torch.Generator().manual_seed(1))
    (network[0](x) * weights).sum().backward()
    made = torch.sigmoid(x.detach())
    twin.of(made)
    assert x.grad is not None
    assert torch.equal(x.grad, twin.of(weights) * (1 - made) * made)


def test_in_eval_mode_and_without_its_hooks_a_network_computes_in_fp32(make_subject: MakeSubject) -> None:
    subject = make_subject("resnet-20", in_channels=1, input_size=[8, 8], classes=3)
    plain, network = (placed(subject.module, subject.initial_state, device=CPU).eval() for _ in range(2))
    x = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    handles = BlockFloating(0, CPU).watch(network)
    assert torch.equal(network(x), plain(x))
    assert not torch.equal(network.train()(x), plain.train()(x))
    for handle in handles:
        handle.remove()
    assert torch.equal(network(x), plain(x))


# -- a training -----------------------------------------------------------------------------------------------------

SHAPE = (1, 8, 8)
SGD: dict[str, Any] = {"name": "sgd", "momentum": 0.9, "weight_decay": 0.01}


def half_of(subject: Subject) -> Mask:
    generator = torch.Generator().manual_seed(9)
    return Mask({name: torch.rand(shape, generator=generator) < 0.5 for name, shape in subject.shapes.items()})


@pytest.fixture(scope="session")
def trainee_with(
    make_subject: MakeSubject, make_dataset: MakeDataset, make_training: MakeTraining
) -> Callable[..., Trainee]:
    """Make a trainee in block floating point, masked to half, of a perceptron on 90 images of 8x8 in batches of 10."""
    subject = make_subject(in_features=64, hidden=[16, 12], classes=3)

    def make(resume: TrainingState | None = None, hold: bool = False, **fields: Any) -> Trainee:
        mask = half_of(subject)
        start = subject.initial_state if hold else mask.applied_to(subject.initial_state)
        start = start if resume is None else resume.state
        training = make_training(**{"optimizer": SGD} | fields)
        data = make_dataset(SHAPE)
        made = Trainee(subject.module, start, data, training, mask, 1, hold=hold, block_floating=True)
        if resume is not None:
            made.go_on(TrainingState.from_tensors(*resume.to_tensors()))
        return made

    return make


def test_an_update_is_what_it_says_written_out_by_hand(
    trainee_with: Callable[..., Trainee], make_subject: MakeSubject, make_dataset: MakeDataset
) -> None:
    trainee, data, order, own = trainee_with(), make_dataset(SHAPE), Order(90, 10, 1), BlockFloating(1, CPU)
    mask = trainee.masked.mask
    weights = mask.applied_to(make_subject(in_features=64, hidden=[16, 12], classes=3).initial_state)
    weights = {name: own.of(tensor) for name, tensor in weights.items()}
    assert same(trainee.saved().state, weights)
    velocity = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    for step in range(3):
        own.begin(step)
        rows = order.next()
        x, y = data.x_train[rows].flatten(1), data.y_train[rows]
        first, second, last = ((weights[f"fc{i}.weight"], weights[f"fc{i}.bias"]) for i in (1, 2, 3))
        h1 = own.of(functional.linear(x, *first)).relu()
        h2 = own.of(functional.linear(h1, *second)).relu()
        logits = functional.linear(h2, *last)
        own.of(logits)  # drawn, and left
        error3 = (logits.softmax(1) - functional.one_hot(y, 3)) / len(y)
        error2 = own.of(error3 @ last[0] * (h2 > 0))
        error1 = own.of(error2 @ second[0] * (h1 > 0))
        gradients = {}
        for i, error, into in ((1, error1, x), (2, error2, h1), (3, error3, h2)):
            gradients |= {f"fc{i}.weight": error.T @ into * mask[f"fc{i}.weight"], f"fc{i}.bias": error.sum(0)}
        for name, weight in weights.items():
            velocity[name] = 0.9 * velocity[name] + own.of(gradients[name]) + 0.01 * weight
            weights[name] = weight - 0.05 * velocity[name]
        weights, velocity = ({name: own.of(t) for name, t in named.items()} for named in (weights, velocity))
        trainee.update(0.05)
        after = trainee.saved()
        expected = torch.cat([tensor.flatten() for named in (weights, velocity) for tensor in named.values()])
        weights = after.state
        velocity = {name: after.moments[f"velocity/{name}"] for name in weights}
        came = torch.cat([tensor.flatten() for named in (weights, velocity) for tensor in named.values()])
        # To the bit where this was written; sums in another order may round one of thousands to the step beside.
        assert came.eq(expected).double().mean() > 0.995


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no momentum": {"optimizer": {"name": "sgd", "momentum": 0.0}},
    "all": {"gradient_clip": 0.5, "label_smoothing": 0.1, "ema": {"decay": 0.5}, "augment": "flip_crop"},
}
every_option = pytest.mark.parametrize("option", list(OPTIONS))


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@every_option
def test_weights_and_momentum_are_held_in_eight_bits_and_the_pruned_are_zero_after_every_update(
    trainee_with: Callable[..., Trainee], option: str
) -> None:
    trainee = trainee_with(**OPTIONS[option])
    for _ in range(6):
        state = trainee.saved()
        assert all(map(is_held, [*state.state.values(), *state.moments.values()]))
        for name, kept in trainee.masked.mask.items():
            for network in (trainee.network, trainee.result):
                assert bits_of(dict(network.named_parameters())[name].detach()[~kept]).eq(0).all()
            assert all(moment[~kept].eq(0).all() for of, moment in state.moments.items() if of.endswith(name))
            assert state.state[name][kept].ne(0).any()
        trainee.update(0.05)


def test_what_pruned_entries_hold_keeps_its_bits(
    trainee_with: Callable[..., Trainee], make_subject: MakeSubject
) -> None:
    start = make_subject(in_features=64, hidden=[16, 12], classes=3).initial_state
    trainee = trainee_with(hold=True)
    for _ in range(4):
        state = trainee.saved().state
        for name, kept in trainee.masked.mask.items():
            assert torch.equal(state[name][~kept], start[name][~kept])
            assert not torch.equal(state[name][kept], start[name][kept])
        trainee.update(0.05)


def test_what_is_pruned_on_the_way_leaves_eight_bits_behind(trainee_with: Callable[..., Trainee]) -> None:
    trainee = trainee_with()
    for _ in range(3):
        trainee.update(0.05)
    largest = {name: weight.abs() < weight.abs().amax() for name, weight in trainee.masked().items()}
    trainee.prune(Mask({name: kept & largest[name] for name, kept in trainee.masked.mask.items()}))
    state = trainee.saved()
    assert all(map(is_held, [*state.state.values(), *state.moments.values()]))


@every_option
def test_goes_on_from_what_it_saved_to_the_same_bits(trainee_with: Callable[..., Trainee], option: str) -> None:
    fields = OPTIONS[option]
    whole, parts = trainee_with(**fields), trainee_with(**fields)
    for step in range(12):  # over the end of an epoch, which has 9
        whole.update(0.05)
        parts.update(0.05)
        if step in (0, 8, 10):
            parts.evaluate()  # which draws no noise
            parts = trainee_with(resume=replace(parts.saved(), curve=(), best=None), **fields)
    tensors, facts = whole.saved().to_tensors()
    other, other_facts = parts.saved().to_tensors()
    assert facts == other_facts
    assert same(tensors, other)


def test_a_stopped_training_ends_with_the_bits_of_one_that_was_not(
    make_subject: MakeSubject, make_dataset: MakeDataset, make_training: MakeTraining
) -> None:
    subject = make_subject("resnet-20", in_channels=1, input_size=[8, 8], classes=3)
    training = make_training(length="5it", evaluate_every="2it", optimizer={"name": "sgd"})

    def run(observer: RecordingObserver | None = None, **words: Any) -> Trained:
        words = {"order_seed": 1, "block_floating": True, "observer": observer or RecordingObserver()} | words
        return train(subject.module, subject.initial_state, data=make_dataset(SHAPE), training=training, **words)

    saved: list[TrainingState] = []
    checkpointing = Checkpointing(save=saved.append, every_seconds=1e9, clock=lambda: 0.0)
    with pytest.raises(Stopped):
        run(RecordingObserver(stop_after=2), checkpointing=checkpointing)
    whole, resumed, plain = run(), run(resume=saved[0]), run(block_floating=False)
    assert saved[0].step == 3
    assert resumed.curve == whole.curve
    assert same(resumed.final, whole.final)
    assert not same(plain.final, whole.final)


def test_learns_digits_about_as_well_as_in_fp32(
    digits: tuple[Path, Summary], make_subject: MakeSubject, make_training: MakeTraining
) -> None:
    recipe = Iterative.model_validate({"search": "iterative", "seed": 0})
    data = prepare(load_canonical(digits[0]), recipe=recipe, weights="initial", device="cpu")
    subject = make_subject(in_features=64, hidden=[64], classes=10)
    settings = {"length": "6ep", "batch_size": 32, "evaluate_every": "1ep", "optimizer": SGD | {"learning_rate": 0.05}}
    words: dict[str, Any] = {"training": make_training(**settings), "order_seed": 0, "observer": RecordingObserver()}
    plain, own = (
        train(subject.module, subject.initial_state, data=data, block_floating=block_floating, **words)
        for block_floating in (False, True)
    )
    best, best_plain = (max(point.accuracy for point in trained.curve) for trained in (own, plain))
    assert best > 0.9
    assert abs(best - best_plain) < 0.05
    assert all(is_held(tensor) for tensor in own.final.values())


@pytest.mark.parametrize("bad", [inf, nan])
def test_a_training_that_broke_is_seen_to_have_broken(trainee_with: Callable[..., Trainee], bad: float) -> None:
    trainee = trainee_with()
    with torch.no_grad():
        trainee.network.get_parameter("fc2.bias")[0] = bad
    trainee.update(0.05)
    with pytest.raises(DivergedError):
        trainee.evaluate()


def test_adam_is_refused(trainee_with: Callable[..., Trainee]) -> None:
    with pytest.raises(ValueError, match="expected sgd"):
        trainee_with(optimizer={"name": "adam"})


def test_a_network_under_autocast_is_refused(trainee_with: Callable[..., Trainee]) -> None:
    with pytest.raises(ValueError, match="expected float32"):
        trainee_with(precision="bf16").update(0.05)

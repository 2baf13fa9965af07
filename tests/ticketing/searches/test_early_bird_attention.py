"""ticketing.searches.early_bird on a network that attends: scales of heads and units are learnt, ranked, folded."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ticketing.channels.distances import distance
from ticketing.channels.scales import scales_of
from ticketing.channels.slimming import without
from ticketing.data.order import Order
from ticketing.journal.birds import birds_of, start_of_search, start_of_slim
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench
from ticketing.observer import RecordingObserver, Stopped
from ticketing.recipe.early_bird import EarlyBird
from ticketing.searches.early_bird import _Settling, search
from ticketing.seeds import order_of_level
from ticketing.sparse import same_bits
from ticketing.subject import placed
from ticketing.training.watching import Seen

PER_EPOCH, HEADS, UNITS, BLOCKS = 3, 4, 64, 2
MakeBirdBench = Callable[..., Bench[EarlyBird]]


@pytest.fixture
def make_bench(make_bird_bench: MakeBirdBench) -> MakeBirdBench:
    return lambda **words: make_bird_bench(attends=True, **words)


def done(bench: Bench[EarlyBird]) -> Bench[EarlyBird]:
    search(bench, 0)
    return bench


def gated(network: nn.Module) -> dict[str, nn.Parameter]:
    """Hang a gate before every layer that reads heads or units, with nothing but a hook and a product."""
    gates = {}
    for name, part in network.named_modules():
        if name.endswith((".out_proj", ".mlp.3")):
            gates[name] = gate = nn.Parameter(torch.ones(HEADS if name.endswith("proj") else UNITS))
            size = part.in_features // len(gate)
            part.register_forward_pre_hook(lambda _, x, gate=gate, size=size: x[0] * spread(gate, size))
    return gates


def spread(gate: Tensor, size: int) -> Tensor:
    return gate.unsqueeze(1).expand(-1, size).reshape(-1)


def test_finds_what_a_plain_loop_with_gates_finds(make_bench: MakeBirdBench) -> None:
    bench = make_bench(channel_sparsities=[0.25])
    network = placed(bench.subject.module, start_of_search(bench, 0), device="cpu").train()
    gates = gated(network)
    assert len(gates) == 2 * BLOCKS
    every = [*network.parameters(), *gates.values()]
    rule = torch.optim.SGD(every, lr=0.05, momentum=0.9, weight_decay=0.001, fused=True)
    order = Order(90, 30, order_of_level(0, 0, 0))
    masks: list[np.ndarray] = []
    while len(masks) < 3 or not settled(bench, masks[-3:]):
        for _ in range(PER_EPOCH):
            rows = order.next()
            rule.zero_grad()
            functional.cross_entropy(network(bench.data.x_train[rows]), bench.data.y_train[rows]).backward()
            for gate in gates.values():
                assert gate.grad is not None
                gate.grad += 0.01 * gate.detach().sign()
            rule.step()
        masks.append(lowest_removed(bench, gates))
    search(bench, 0)
    birds = birds_of(bench)
    assert birds.found(0) == {1: len(masks)}
    assert np.array_equal(np.stack(birds.masks(0, 1)), np.stack(masks))
    assert not np.array_equal(masks[0], masks[-1])
    folded = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    for name, gate in gates.items():
        weight = folded[f"{name}.weight"]
        weight *= spread(gate.detach(), weight.shape[1] // len(gate))
    assert same_bits(birds.state(0, 1), folded)


def kinds(bench: Bench[EarlyBird]) -> dict[str, np.ndarray]:
    return {kind: own.numpy() for kind, own in scales_of(bench.subject.inventory, bench.channels).kinds.items()}


def settled(bench: Bench[EarlyBird], masks: list[np.ndarray]) -> bool:
    return all(distance(masks[-1][own], mask[own]) <= 0.2 for own in kinds(bench).values() for mask in masks[:-1])


def lowest_removed(bench: Bench[EarlyBird], gates: dict[str, nn.Parameter]) -> np.ndarray:
    """Remove a quarter of the heads and a quarter of the units, those with the smallest gates of both blocks."""
    kept = np.ones(bench.channels.count, dtype=bool)
    for ending in (".out_proj", ".mlp.3"):
        sizes: dict[int, float] = {}
        for name, gate in gates.items():
            if name.endswith(ending):
                along = bench.channels.axes[f"{name}.weight", 1].tolist()
                each = along[:: len(along) // len(gate)]
                sizes |= dict(zip(each, gate.detach().abs().tolist(), strict=True))
        for channel in sorted(sizes, key=lambda channel: sizes[channel])[: len(sizes) // 4]:
            kept[channel] = False
    return kept


def test_heads_and_units_lose_the_same_share_and_the_slim_network_has_no_scales(make_bench: MakeBirdBench) -> None:
    bench = done(make_bench(channel_sparsities=[0.25, 0.5]))
    birds = birds_of(bench)
    for level, share in ((1, 0.25), (2, 0.5)):
        kept = birds.kept(0, level).numpy()
        lost = {kind: int((~kept[own]).sum()) for kind, own in kinds(bench).items()}
        assert lost == {"heads": share * BLOCKS * HEADS, "units": share * BLOCKS * UNITS}
        start, first_step = start_of_slim(bench, 0, level)
        assert first_step == birds.epoch(0, level) * PER_EPOCH
        assert start.keys() == bench.subject.initial_state.keys()
        trained = birds.trained(0, level)
        assert same_bits(trained, without(trained, bench.channels, birds.kept(0, level)))
        result = bench.result(Where.of_search(0, level))
        assert result.multiply_adds is not None
        assert result.multiply_adds < bench.subject.inventory.multiply_adds


@pytest.mark.parametrize("updates", [1, 7, 14, 25])
def test_stopped_at_any_update_it_ends_with_the_same_bits(make_bench: MakeBirdBench, updates: int) -> None:
    undisturbed = birds_of(done(make_bench(folder="undisturbed")))
    with pytest.raises(Stopped):
        search(make_bench(observer=RecordingObserver(stop_after=updates - 1)), 0)
    bench = done(make_bench())
    assert bench.journal.resumed_from is not None
    gone_on = birds_of(bench)
    assert gone_on.found(0) == undisturbed.found(0)
    assert np.array_equal(gone_on.masks(0, 1), undisturbed.masks(0, 1))
    assert same_bits(gone_on.trained(0, 1), undisturbed.trained(0, 1))


def test_the_pull_makes_the_scales_smaller(make_bench: MakeBirdBench) -> None:
    """Without it and at rest a scale of 1 has no reason to shrink; folded into a weight its size shows in the norm."""
    sizes: dict[float, float] = {}
    for l1 in (0.0, 0.5):
        bench = done(make_bench(l1=l1, threshold=0.0, search_length="5ep", folder=f"pull-{l1}"))
        state: dict[str, Tensor] = dict(birds_of(bench).state(0, 1))
        read = [name for name in state if name.endswith((".out_proj.weight", ".mlp.3.weight"))]
        sizes[l1] = float(sum(state[name].norm() for name in read))
    assert sizes[0.5] < 0.5 * sizes[0.0]


def test_a_search_in_eight_bits_holds_the_scales_in_eight_bits(make_bench: MakeBirdBench) -> None:
    shown: list[Tensor] = []
    bench = make_bench(search_precision="int8")
    look = _Settling.look

    def looked(self: _Settling, step: int, weights: dict[str, Tensor]) -> Seen:
        shown.extend(weight.clone() for weight in weights.values())
        return look(self, step, weights)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_Settling, "look", looked)
        done(bench)
    assert len(shown) == 2 * BLOCKS * birds_of(bench).epochs(0)
    # Every scale is a block of its own: a whole number of at most seven bits, times a power of two.
    integers = [torch.frexp(scales).mantissa * 128 for scales in shown]
    assert all(torch.equal(whole, whole.round()) for whole in integers)
    assert any(bool((scales != 1).any()) for scales in shown)


def test_initial_scale_is_of_norms_alone(make_bench: MakeBirdBench) -> None:
    bench: Any = make_bench(initial_scale=0.5)
    assert same_bits(start_of_search(bench, 0), bench.subject.initial_state)

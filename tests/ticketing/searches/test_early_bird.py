"""ticketing.searches.early_bird: what a plain loop finds, found by the run; stopped anywhere, the same bits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from ticketing.channels.distances import distance
from ticketing.channels.scales import scales_of
from ticketing.channels.slimming import slim_inventory, without
from ticketing.data.order import Order
from ticketing.errors import RecipeError
from ticketing.journal.birds import birds_of, start_of_search, start_of_slim
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench
from ticketing.observer import RecordingObserver, Stopped
from ticketing.recipe.early_bird import EarlyBird
from ticketing.searches.early_bird import search
from ticketing.seeds import order_of_level
from ticketing.sparse import same_bits
from ticketing.subject import placed

PER_EPOCH = 3
MakeBirdBench = Callable[..., Bench[EarlyBird]]


def done(bench: Bench[EarlyBird]) -> Bench[EarlyBird]:
    search(bench, 0)
    return bench


def said(bench: Bench[EarlyBird], word: str) -> list[dict[str, Any]]:
    return [data for type_, data in bench.observer.events if type_ == word]  # type: ignore[attr-defined]


def test_finds_what_a_plain_loop_finds(make_bird_bench: MakeBirdBench) -> None:
    bench = make_bird_bench(channel_sparsities=[0.4])
    network = placed(bench.subject.module, start_of_search(bench, 0), device="cpu").train()
    names = scales_of(bench.subject.inventory, bench.channels).names
    gammas = {name: dict(network.named_parameters())[name] for name in names}
    rule = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=0.001, fused=True)
    order = Order(90, 30, order_of_level(0, 0, 0))
    masks: list[np.ndarray] = []
    while len(masks) < 3 or max(distance(masks[-1], mask) for mask in masks[-3:]) > 0.2:
        for _ in range(PER_EPOCH):
            rows = order.next()
            rule.zero_grad()
            functional.cross_entropy(network(bench.data.x_train[rows]), bench.data.y_train[rows]).backward()
            for gamma in gammas.values():
                gamma.grad += 0.01 * gamma.detach().sign()
            rule.step()
        masks.append(lowest_removed(bench, gammas, share=0.4))
    search(bench, 0)
    birds = birds_of(bench)
    assert birds.found(0) == {1: len(masks)}
    assert np.array_equal(np.stack(birds.masks(0, 1)), np.stack(masks))
    assert not np.array_equal(masks[0], masks[-1])
    state = {name: tensor.detach() for name, tensor in network.state_dict().items()}
    assert same_bits(birds.state(0, 1), state)


def lowest_removed(bench: Bench[EarlyBird], gammas: dict[str, torch.nn.Parameter], *, share: float) -> np.ndarray:
    """Rank by the mean of |gamma| over the norms of a channel, with nothing but sums and a sort."""
    sums, counts = np.zeros(bench.channels.count), np.zeros(bench.channels.count)
    for name, gamma in gammas.items():
        for channel, value in zip(bench.channels.axes[name, 0].tolist(), gamma.detach().tolist(), strict=True):
            sums[channel] += abs(value)
            counts[channel] += 1
    assert counts.all()
    kept = np.ones(len(sums), dtype=bool)
    kept[np.argsort(sums / counts, kind="stable")[: round(share * len(sums))]] = False
    return kept


def test_the_slim_network_goes_on_from_the_epoch_it_was_found_at(make_bird_bench: MakeBirdBench) -> None:
    bench = done(make_bird_bench(channel_sparsities=[0.5]))
    birds, where = birds_of(bench), Where.of_search(0, 1)
    epoch = birds.epoch(0, 1)
    assert 3 <= epoch < 10
    start, first_step = start_of_slim(bench, 0, 1)
    assert first_step == epoch * PER_EPOCH
    assert bench.result(where).updates == (10 - epoch) * PER_EPOCH
    assert bench.result(Where.of_search(0, 0)).updates == epoch * PER_EPOCH
    kept = birds.kept(0, 1)
    assert int((~kept).sum()) == round(0.5 * bench.channels.count)
    trained = birds.trained(0, 1)
    assert same_bits(trained, without(trained, bench.channels, kept))
    assert not same_bits(trained, without(start, bench.channels, kept))
    assert bench.result(where).multiply_adds < bench.subject.inventory.multiply_adds
    drawn = said(bench, "mask_drawn")
    assert [(data["level"], data["epoch"], data["channels_kept"]) for data in drawn] == [(1, epoch, int(kept.sum()))]


def test_several_shares_in_one_run_find_what_each_finds_alone(make_bird_bench: MakeBirdBench) -> None:
    shares = [0.2, 0.4, 0.6]
    together = birds_of(done(make_bird_bench(channel_sparsities=shares)))
    for level, share in enumerate(shares, 1):
        alone = birds_of(done(make_bird_bench(channel_sparsities=[share], folder=f"alone-{level}")))
        assert together.found(0)[level] == alone.found(0)[1]
        assert torch.equal(together.kept(0, level), alone.kept(0, 1))
        assert same_bits(together.state(0, level), alone.state(0, 1))
    # The ranking is one: a larger share removes all of a smaller one, at the same epoch.
    for less, more in zip(together.masks(0, 1), together.masks(0, 3), strict=True):
        assert not (more & ~less).any()


def test_a_search_that_does_not_settle_ends_with_its_last_mask_and_says_so(make_bird_bench: MakeBirdBench) -> None:
    bench = done(make_bird_bench(threshold=0.0, window=5, search_length="6ep"))
    birds = birds_of(bench)
    assert birds.found(0) == {}
    assert birds.epoch(0, 1) == birds.epochs(0) == 6
    assert any(distance(mask, birds.masks(0, 1)[-1]) > 0 for mask in birds.masks(0, 1)[1:5])
    warnings = said(bench, "warning")
    assert [warning["code"] for warning in warnings] == ["not_settled"]
    assert bench.result(Where.of_search(0, 1)).updates == 4 * PER_EPOCH


@pytest.mark.parametrize("then", ["retrain", "rewind", "reinit"])
def test_a_slim_network_may_train_the_whole_schedule_from_other_weights(
    make_bird_bench: MakeBirdBench, then: str
) -> None:
    bench = done(make_bird_bench(then=then))
    start, first_step = start_of_slim(bench, 0, 1)
    assert first_step == 0
    assert bench.result(Where.of_search(0, 1)).updates == 10 * PER_EPOCH
    initial, birds = bench.subject.initial_state, birds_of(bench)
    assert same_bits(start, start_of_search(bench, 0)) == (then == "rewind")
    assert same_bits(start, birds.state(0, 1)) == (then == "retrain")
    assert torch.equal(start["conv1.weight"], initial["conv1.weight"]) == (then == "rewind")
    assert torch.equal(start["bn.weight"], initial["bn.weight"]) == (then == "reinit")


@pytest.mark.parametrize("updates", [1, 3, 10, 16, 25])
def test_stopped_at_any_update_it_ends_with_the_same_bits(make_bird_bench: MakeBirdBench, updates: int) -> None:
    undisturbed = birds_of(done(make_bird_bench(folder="undisturbed", channel_sparsities=[0.3, 0.5])))
    with pytest.raises(Stopped):
        search(make_bird_bench(observer=RecordingObserver(stop_after=updates - 1), channel_sparsities=[0.3, 0.5]), 0)
    bench = done(make_bird_bench(channel_sparsities=[0.3, 0.5]))
    assert bench.journal.resumed_from is not None
    gone_on = birds_of(bench)
    assert gone_on.found(0) == undisturbed.found(0)
    for level in (1, 2):
        assert np.array_equal(gone_on.masks(0, level), undisturbed.masks(0, level))
        assert same_bits(gone_on.trained(0, level), undisturbed.trained(0, level))


def test_another_replicate_is_another_search(make_bird_bench: MakeBirdBench) -> None:
    bench = done(make_bird_bench())
    search(bench, 1)
    birds = birds_of(bench)
    assert not np.array_equal(birds.masks(0, 1)[0], birds.masks(1, 1)[0])


def test_a_search_in_eight_bits_holds_eight_bits_and_finds_masks_of_its_own(make_bird_bench: MakeBirdBench) -> None:
    words: dict[str, Any] = {"threshold": 0.0, "search_length": "4ep"}
    plain, eight = (
        birds_of(done(make_bird_bench(folder=word, search_precision=word, **words))) for word in ("training", "int8")
    )
    weight = eight.state(0, 1)["layer1.0.conv1.weight"]
    for block in weight.flatten(1):
        steps = block / 2.0 ** (torch.frexp(block.abs().max())[1] - 7)
        assert torch.equal(steps, steps.round())
        assert steps.abs().max() <= 127
    assert not torch.equal(weight, plain.state(0, 1)["layer1.0.conv1.weight"])
    assert distance(eight.masks(0, 1)[-1], plain.masks(0, 1)[-1]) < 0.5


def test_eight_bits_are_refused_where_they_would_not_train() -> None:
    asked = {"search": "early_bird", "search_precision": "int8"}
    with pytest.raises(ValueError, match="Adam's second moments vanish"):
        EarlyBird.model_validate(asked | {"training": {"optimizer": {"name": "adam"}}})


TARGETED: dict[str, Any] = {"channel_sparsities": None, "target": {"max_macs": 400_000}}


@pytest.mark.parametrize(("attends", "most", "least"), [(False, 400_000, 388_000), (True, 25_000, 18_000)])
def test_with_a_target_every_mask_is_as_wide_as_it_allows(
    make_bird_bench: MakeBirdBench, attends: bool, most: int, least: int
) -> None:
    bench = done(make_bird_bench(attends=attends, channel_sparsities=None, target={"max_macs": most}))
    birds, listed = birds_of(bench), bench.subject.inventory
    masks = [torch.from_numpy(mask) for mask in birds.masks(0, 1)]
    assert len(masks) >= 3
    # Another ranking, another share; of units each has as many multiply-adds.
    assert attends or len({int(mask.sum()) for mask in masks}) > 1
    sizes = [slim_inventory(listed, bench.channels, mask).multiply_adds for mask in masks]
    assert all(least < size <= most < listed.multiply_adds for size in sizes)
    (drawn,) = said(bench, "mask_drawn")
    kept = birds.kept(0, 1)
    ranked = scales_of(listed, bench.channels).ranked
    assert drawn["channel_sparsity"] == birds.share(0, 1) == int((~kept)[ranked].sum()) / int(ranked.sum())
    assert min(row["share"] for row in birds.fitted(0)["tried"] if row["within"]) == pytest.approx(
        birds.share(0, 1), abs=0.5 / int(ranked.sum()) + (0.1 if attends else 1e-3)
    )
    assert bench.result(Where.of_search(0, 1)).multiply_adds == sizes[birds.epoch(0, 1) - 1]


@pytest.mark.parametrize("updates", [4, 10])
def test_with_a_target_it_is_stopped_and_ends_with_the_same_bits(make_bird_bench: MakeBirdBench, updates: int) -> None:
    undisturbed = birds_of(done(make_bird_bench(folder="undisturbed", **TARGETED)))
    with pytest.raises(Stopped):
        search(make_bird_bench(observer=RecordingObserver(stop_after=updates - 1), **TARGETED), 0)
    bench = done(make_bird_bench(**TARGETED))
    assert bench.journal.resumed_from is not None
    gone_on = birds_of(bench)
    assert np.array_equal(gone_on.masks(0, 1), undisturbed.masks(0, 1))
    assert same_bits(gone_on.trained(0, 1), undisturbed.trained(0, 1))


def test_a_target_that_one_channel_a_layer_misses_is_refused_before_the_first_update(
    make_bird_bench: MakeBirdBench,
) -> None:
    bench = make_bird_bench(channel_sparsities=None, target={"max_macs": 100})
    with pytest.raises(RecipeError, match="the narrowest network meets"):
        search(bench, 0)
    assert [data["phase"] for data in said(bench, "phase")] == ["measure_widths"]
    assert not said(bench, "level_completed")

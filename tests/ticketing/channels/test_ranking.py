"""ticketing.channels.ranking: exact counts, nested choices, shared channels decided once, no layer left empty."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ticketing.architectures import inventory
from ticketing.channels import Channels, channels_of
from ticketing.channels.ranking import keep_best, keep_best_of_kinds
from ticketing.errors import CountError, NonFiniteScoreError
from ticketing.folder import ModelSpec
from ticketing.ladder.schedule import kept_at
from ticketing.models import build

LISTED = inventory("resnet-20", {"in_channels": 1, "input_size": [8, 8], "classes": 3})
RESNET = channels_of(build(ModelSpec(architecture="resnet-20", arguments=LISTED.arguments)), LISTED)


def layers(*widths: int) -> Channels:
    """Make channels of layers one behind the other."""
    ends = torch.tensor(widths).cumsum(0).tolist()
    axes = {
        (f"fc{i}.weight", 0): torch.arange(end - w, end) for i, (w, end) in enumerate(zip(widths, ends, strict=True))
    }
    return Channels(sum(widths), axes, {}, {}, {})


@given(st.lists(st.integers(0, 50), min_size=30, max_size=30), st.floats(0, 0.6))
def test_exactly_the_share_goes_and_what_goes_is_no_better_than_what_stays(values: list[int], sparsity: float) -> None:
    scores = torch.tensor(values, dtype=torch.float64)
    kept, rescued = keep_best(scores, layers(30), sparsity=sparsity)
    assert not rescued
    assert int(kept.sum()) == kept_at(30, sparsity)
    assert kept.all() or scores[kept].min() >= scores[~kept].max()


@given(st.permutations(range(30)), st.floats(0, 0.9), st.floats(0, 0.9))
def test_a_larger_share_takes_all_of_a_smaller_one(order: list[int], one: float, other: float) -> None:
    scores, channels = torch.tensor(order, dtype=torch.float64), layers(30)
    less, more = (keep_best(scores, channels, sparsity=share).kept for share in sorted((one, other)))
    assert not bool((more & ~less).any())


def test_of_equals_the_earlier_stays() -> None:
    assert keep_best(torch.ones(4), layers(4), sparsity=0.5).kept.tolist() == [True, True, False, False]


def test_a_layer_that_would_lose_everything_keeps_its_best_and_is_named() -> None:
    scores = torch.tensor([0.1, 0.3, 0.2, 5.0, 4.0, 3.0])
    kept, rescued = keep_best(scores, layers(3, 3), sparsity=0.5)
    assert kept.tolist() == [False, True, False, True, True, True]
    assert rescued == ("fc0.weight",)


@given(st.permutations(range(30)), st.integers(1, 29), st.floats(0, 0.9))
def test_each_kind_loses_its_own_share_whatever_the_other_scores(order: list[int], few: int, sparsity: float) -> None:
    scores = torch.tensor(order, dtype=torch.float64)
    one = torch.arange(31)[:30] < few
    layout = layers(few, 30 - few)
    kept = keep_best_of_kinds(scores, layout, {"one": one, "other": ~one}, sparsity=sparsity).kept
    for kind in (one, ~one):
        assert int(kept[kind].sum()) == max(1, kept_at(int(kind.sum()), sparsity))
        assert kept[kind].all() or scores[kind & kept].min() > scores[kind & ~kept].max()
    far = scores + 100.0 * one
    assert torch.equal(keep_best_of_kinds(far, layout, {"one": one, "other": ~one}, sparsity=sparsity).kept, kept)


def test_of_heads_as_many_stay_as_are_asked_for_whatever_the_others_are_rounded_to() -> None:
    scores = torch.arange(8, dtype=torch.float64)
    heads = scores < 4
    kept = keep_best_of_kinds(scores, layers(4, 4), {"heads": heads, "units": ~heads}, sparsity=0.5, round_to=4).kept
    assert kept.tolist() == [False, False, True, True] + [True] * 4


def test_of_no_kind_a_channel_stays_and_what_is_rescued_of_any_kind_is_named_once() -> None:
    scores = torch.tensor([0.1, 0.3, 0.2, 5.0, 4.0, 3.0, 0.0])
    one, other = torch.tensor([1, 1, 1, 0, 0, 0, 0]).bool(), torch.tensor([0, 0, 0, 1, 1, 1, 0]).bool()
    kept, rescued = keep_best_of_kinds(scores, layers(3, 3, 1), {"one": one, "other": other}, sparsity=0.9)
    assert kept.tolist() == [False, True, False, True, False, False, True]
    assert rescued == ("fc0.weight", "fc1.weight")


def test_channels_without_a_score_stay_and_are_not_counted() -> None:
    scores = torch.tensor([torch.nan, 1.0, torch.nan, 2.0])
    assert keep_best(scores, layers(4), sparsity=0.5).kept.tolist() == [True, False, True, True]


def test_no_scores_at_all_are_refused() -> None:
    with pytest.raises(CountError, match="got none"):
        keep_best(torch.full((RESNET.count,), torch.nan), RESNET, sparsity=0.5)


def test_an_infinite_score_is_refused() -> None:
    with pytest.raises(NonFiniteScoreError, match="1 infinite"):
        keep_best(torch.tensor([1.0, torch.inf]), layers(2), sparsity=0.5)


@given(st.integers(0, 2**31), st.floats(0.01, 0.99), st.integers(1, 9))
def test_every_layer_is_a_multiple_wide_or_whole_and_only_grows(seed: int, sparsity: float, round_to: int) -> None:
    scores: Tensor = torch.rand(RESNET.count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    exact, kept = (keep_best(scores, RESNET, sparsity=sparsity, round_to=to).kept for to in (1, round_to))
    assert not bool((exact & ~kept).any())
    for name, axis in RESNET.axes:
        width, whole = len(RESNET.index(name, axis, kept)), len(RESNET.axes[name, axis])  # type: ignore[arg-type]
        assert width == whole or width % round_to == 0, (name, axis, width)


def test_what_rounds_a_layer_up_is_the_best_that_it_would_lose() -> None:
    scores = torch.tensor([0.1, 0.5, 0.2, 0.4, 9.0, 8.0, 7.0, 6.0], dtype=torch.float64)
    kept = keep_best(scores, layers(4, 4), sparsity=3 / 8, round_to=2).kept
    assert kept.tolist() == [False, True, False, True] + [True] * 4
    assert (
        keep_best(scores, layers(4, 4), sparsity=3 / 8, round_to=3).kept.tolist()
        == [False, True, True, True] + [True] * 4
    )
    assert keep_best(scores, layers(4, 4), sparsity=3 / 8, round_to=5).kept.all()


def test_channels_that_stay_count_and_pixels_of_a_channel_do_not() -> None:
    stays, pixels = torch.tensor([-1, 0, 1, 2]), torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2])
    channels = Channels(3, {("fc0.weight", 0): stays, ("fc1.weight", 1): pixels}, {}, {}, {})
    scores = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
    assert keep_best(scores, channels, sparsity=2 / 3, round_to=2).kept.tolist() == [True, False, False]
    assert keep_best(scores, channels, sparsity=2 / 3, round_to=4).kept.all()


@given(st.integers(0, 2**31))
def test_no_layer_of_a_residual_network_is_ever_left_empty(seed: int) -> None:
    scores: Tensor = torch.rand(RESNET.count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    kept = keep_best(scores, RESNET, sparsity=0.99).kept
    for (name, axis), along in RESNET.axes.items():
        index = RESNET.index(name, axis, kept)
        assert index is not None
        assert len(index), (name, axis, along)

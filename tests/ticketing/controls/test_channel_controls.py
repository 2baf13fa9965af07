"""ticketing.controls.channels: other channels at the ticket's counts."""

from itertools import count

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ticketing.architectures import inventory
from ticketing.channels import channels_of
from ticketing.channels.ranking import keep_best
from ticketing.channels.scales import scales_of
from ticketing.channels.sets import sets_of
from ticketing.controls.channels import scattered, seeds_of, shuffled
from ticketing.errors import InvariantError
from ticketing.folder import ModelSpec
from ticketing.models import build

LISTED = inventory("resnet-20", {"in_channels": 1, "input_size": [8, 8], "classes": 3})
CHANNELS = channels_of(build(ModelSpec(architecture="resnet-20", arguments=LISTED.arguments)), LISTED)
KINDS = scales_of(LISTED, CHANNELS).kinds.values()


def ticket(seed: int, sparsity: float) -> Tensor:
    scores = torch.rand(CHANNELS.count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return keep_best(scores, CHANNELS, sparsity=sparsity).kept


def widths(kept: Tensor) -> dict[tuple[str, int], int]:
    return {at: len(index) for at in CHANNELS.axes if (index := CHANNELS.index(*at, kept)) is not None}


@given(st.integers(0, 2**31), st.floats(0.1, 0.8))
def test_shuffled_channels_keep_every_width_and_are_others(seed: int, sparsity: float) -> None:
    kept = ticket(seed, sparsity)
    drawn = shuffled(CHANNELS, kept, seeds_of(seed, 0, 1, "shuffle"))
    assert widths(drawn) == widths(kept)
    assert not torch.equal(drawn, kept)
    assert torch.equal(drawn, shuffled(CHANNELS, kept, seeds_of(seed, 0, 1, "shuffle")))
    assert not torch.equal(drawn, shuffled(CHANNELS, kept, seeds_of(seed, 1, 1, "shuffle")))


@given(st.integers(0, 2**31), st.floats(0.1, 0.8))
def test_scattered_channels_are_as_many_in_total_and_leave_no_layer_empty(seed: int, sparsity: float) -> None:
    kept = ticket(seed, sparsity)
    drawn = scattered(CHANNELS, kept, KINDS, seeds_of(seed, 0, 1, "random"))
    assert int(drawn.sum()) == int(kept.sum())
    assert min(widths(drawn).values()) > 0
    assert not torch.equal(drawn, kept)


def test_where_luck_fills_no_layer_each_set_is_drawn_one_channel_first() -> None:
    sets = [list(alike.channels) for alike in sets_of(CHANNELS).sets]
    kept = torch.zeros(CHANNELS.count, dtype=torch.bool)
    kept[[alike[0] for alike in sets]] = True
    drawn = scattered(CHANNELS, kept, KINDS, seeds_of(0, 0, 1, "random"))
    assert [int(drawn[alike].sum()) for alike in sets] == [1] * len(sets)
    assert not torch.equal(drawn, kept)


def test_a_draw_that_gives_the_ticket_itself_is_drawn_again() -> None:
    kept = torch.ones(CHANNELS.count, dtype=torch.bool)
    two = sets_of(CHANNELS).sets[0].channels[:2]
    kept[two[0]] = False
    draws = {tuple(shuffled(CHANNELS, kept, iter(count(first))).nonzero()[:, 0].tolist()) for first in range(40)}
    assert tuple(kept.nonzero()[:, 0].tolist()) not in draws


def test_nothing_to_choose_is_refused() -> None:
    with pytest.raises(InvariantError, match="chosen otherwise"):
        shuffled(CHANNELS, torch.ones(CHANNELS.count, dtype=torch.bool), seeds_of(0, 0, 1, "shuffle"))
    with pytest.raises(InvariantError, match="chosen otherwise"):
        scattered(CHANNELS, torch.ones(CHANNELS.count, dtype=torch.bool), KINDS, seeds_of(0, 0, 1, "random"))


@given(st.integers(0, 2**31), st.integers(1, 17), st.integers(1, 31))
def test_of_every_kind_as_many_are_drawn(seed: int, of_one: int, of_other: int) -> None:
    """Two kinds that split every layer: half of its channels compete with each other, half with the others."""
    odd = torch.arange(CHANNELS.count) % 2 == 1
    kept = torch.ones(CHANNELS.count, dtype=torch.bool)
    kept[odd.nonzero()[:of_one, 0]] = False
    kept[(~odd).nonzero()[:of_other, 0]] = False
    drawn = scattered(CHANNELS, kept, [odd, ~odd], seeds_of(seed, 0, 1, "random"))
    assert [int(drawn[kind].sum()) for kind in (odd, ~odd)] == [int(kept[kind].sum()) for kind in (odd, ~odd)]
    assert not torch.equal(drawn, kept)

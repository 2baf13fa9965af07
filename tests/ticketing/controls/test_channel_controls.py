"""ticketing.controls.channels: other channels at the ticket's counts."""

from itertools import count

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ticketing.architectures import inventory
from ticketing.channels import channels_of
from ticketing.channels.ranking import keep_best, scales
from ticketing.controls.channels import interchangeable, scattered, seeds_of, shuffled
from ticketing.errors import InvariantError
from ticketing.folder import ModelSpec
from ticketing.models import build

LISTED = inventory("resnet-20", {"in_channels": 1, "input_size": [8, 8], "classes": 3})
CHANNELS = channels_of(build(ModelSpec(architecture="resnet-20", arguments=LISTED.arguments)), LISTED)
RANKED = CHANNELS.standing(scales(LISTED))


def ticket(seed: int, sparsity: float) -> Tensor:
    scores = torch.rand(CHANNELS.count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return keep_best(scores, CHANNELS, sparsity=sparsity).kept


def widths(kept: Tensor) -> dict[tuple[str, int], int]:
    return {at: len(index) for at in CHANNELS.axes if (index := CHANNELS.index(*at, kept)) is not None}


def test_channels_of_a_residual_network_are_alike_within_a_stage_and_within_a_block() -> None:
    sets = [set(alike) for alike in interchangeable(CHANNELS)]
    assert sum(map(len, sets)) == CHANNELS.count
    inside = set(CHANNELS.axes["layer1.0.conv1.weight", 0].tolist())
    assert inside in sets
    # Of the 64 channels around the shortcuts, 16 are there from the first stage on, 16 from the second.
    around = {n: set(CHANNELS.axes[f"layer{n}.0.bn2.weight", 0].tolist()) for n in (1, 2, 3)}
    assert around[1] in sets
    assert around[2] - around[1] in sets
    assert around[3] - around[2] in sets


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
    drawn = scattered(CHANNELS, kept, RANKED, seeds_of(seed, 0, 1, "random"))
    assert int(drawn.sum()) == int(kept.sum())
    assert min(widths(drawn).values()) > 0
    assert not torch.equal(drawn, kept)


def test_a_draw_that_gives_the_ticket_itself_is_drawn_again() -> None:
    kept = torch.ones(CHANNELS.count, dtype=torch.bool)
    two = interchangeable(CHANNELS)[0][:2]
    kept[two[0]] = False
    draws = {tuple(shuffled(CHANNELS, kept, iter(count(first))).nonzero()[:, 0].tolist()) for first in range(40)}
    assert tuple(kept.nonzero()[:, 0].tolist()) not in draws


def test_nothing_to_choose_is_refused() -> None:
    with pytest.raises(InvariantError, match="chosen otherwise"):
        shuffled(CHANNELS, torch.ones(CHANNELS.count, dtype=torch.bool), seeds_of(0, 0, 1, "shuffle"))

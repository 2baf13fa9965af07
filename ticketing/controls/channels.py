"""Counterparts of a slim ticket: other channels at its counts, or its channels with other weights; trains nothing."""

from collections.abc import Collection, Iterator
from itertools import count

import torch

from ticketing.channels import Channels, Kept
from ticketing.channels.sets import sets_of
from ticketing.errors import InvariantError
from ticketing.seeds import derive

DRAWS_TO_FILL_ALL = 100
"""A choice that leaves a layer with nothing is drawn again so often, for beating a broken network proves nothing; then
one channel of every set is drawn first."""


def shuffled(channels: Channels, kept: Kept, seeds: Iterator[int]) -> Kept:
    """Permute which channels stay among those that stand in the same places: every layer keeps its width.

    Args:
        channels: Of the network.
        kept: The ticket's.
        seeds: Of the draws; one that gives the ticket's own choice is drawn again.

    Raises:
        InvariantError: Of no such set some stay and some do not.
    """
    sets = [list(alike.channels) for alike in sets_of(channels).sets]
    divided = [alike for alike in sets if 0 < int(kept[alike].sum()) < len(alike)]
    if not divided:
        raise InvariantError("expected channels that could be chosen otherwise, got all or none of every layer")
    while True:
        generator, drawn = torch.Generator().manual_seed(next(seeds)), kept.clone()
        for alike in divided:
            drawn[alike] = kept[alike][torch.randperm(len(alike), generator=generator)]
        if not torch.equal(drawn, kept):
            return drawn


def scattered(channels: Channels, kept: Kept, kinds: Collection[Kept], seeds: Iterator[int]) -> Kept:
    """Draw as many channels of every kind, uniformly over all layers: these get other widths than the ticket's.

    Args:
        channels: Of the network.
        kept: The ticket's.
        kinds: The channels that competed with each other; those of no kind stay.
        seeds: Of the draws; no layer is left empty.

    Raises:
        InvariantError: Of no kind some stay and some do not.
    """
    if all(int(kept[kind].sum()) in (0, int(kind.sum())) for kind in kinds):
        raise InvariantError("expected channels that could be chosen otherwise, got all or none of every kind")
    for attempt in count():
        generator, drawn = torch.Generator().manual_seed(next(seeds)), kept.clone()
        for kind in kinds:
            if attempt < DRAWS_TO_FILL_ALL:
                drawn[kind] = kept[kind][torch.randperm(int(kind.sum()), generator=generator)]
            else:
                drawn = _one_of_each_first(channels, drawn, kind, generator)
        if not torch.equal(drawn, kept) and not _empty(channels, drawn):
            return drawn
    raise AssertionError


def _one_of_each_first(channels: Channels, kept: Kept, ranked: Kept, generator: torch.Generator) -> Kept:
    """Draw one channel of every set of which the ticket has any, and the others from all that are left."""
    drawn = kept & ~ranked
    for alike in map(torch.tensor, (one.channels for one in sets_of(channels).sets)):
        if bool((kept & ranked)[alike].any()):
            drawn[alike[torch.randint(len(alike), (1,), generator=generator)]] = True
    left = (ranked & ~drawn).nonzero()[:, 0]
    missing = int(kept.sum()) - int(drawn.sum())
    drawn[left[torch.randperm(len(left), generator=generator)[:missing]]] = True
    return drawn


def seeds_of(seed: int, replicate: int, level: int, control: str) -> Iterator[int]:
    """Give the seeds of a control's draws, one after the other."""
    return (derive(seed, replicate, "shuffle", level, control, attempt) for attempt in count())


def _empty(channels: Channels, kept: Kept) -> bool:
    return any(bool((along >= 0).all()) and not bool(kept[along].any()) for along in channels.axes.values())

"""Counterparts of a slim ticket: other channels at its counts, or its channels with other weights; trains nothing."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import count

import torch

from ticketing.channels import Channels, Kept
from ticketing.errors import InvariantError
from ticketing.seeds import derive

DRAWS_TO_FILL_ALL = 100
"""A choice that leaves a layer with nothing is drawn again so often: beating a broken network proves nothing."""


def shuffled(channels: Channels, kept: Kept, seeds: Iterator[int]) -> Kept:
    """Permute which channels stay among those that stand in the same places: every layer keeps its width.

    Args:
        channels: Of the network.
        kept: The ticket's.
        seeds: Of the draws; one that gives the ticket's own choice is drawn again.

    Raises:
        InvariantError: Of no such set some stay and some do not.
    """
    divided = [alike for alike in interchangeable(channels) if 0 < int(kept[alike].sum()) < len(alike)]
    if not divided:
        raise InvariantError("expected channels that could be chosen otherwise, got all or none of every layer")
    while True:
        generator, drawn = torch.Generator().manual_seed(next(seeds)), kept.clone()
        for alike in divided:
            drawn[alike] = kept[alike][torch.randperm(len(alike), generator=generator)]
        if not torch.equal(drawn, kept):
            return drawn


def scattered(channels: Channels, kept: Kept, ranked: Kept, seeds: Iterator[int]) -> Kept:
    """Draw as many channels in total, uniformly over all that competed: layers get other widths than the ticket's.

    Args:
        channels: Of the network.
        kept: The ticket's.
        ranked: The channels that competed; the others stay.
        seeds: Of the draws; a layer is left empty only where `DRAWS_TO_FILL_ALL` draws find nothing else.
    """
    for attempt in count():
        generator, drawn = torch.Generator().manual_seed(next(seeds)), kept.clone()
        drawn[ranked] = kept[ranked][torch.randperm(int(ranked.sum()), generator=generator)]
        if not torch.equal(drawn, kept) and (attempt >= DRAWS_TO_FILL_ALL or not _empty(channels, drawn)):
            return drawn
    raise AssertionError


def interchangeable(channels: Channels) -> list[list[int]]:
    """List the sets of channels that stand along the same axes, as often along each."""
    places: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for at, along in channels.axes.items():
        for channel in along[along >= 0].tolist():
            places[channel].append(at)
    alike: dict[tuple[tuple[str, int], ...], list[int]] = defaultdict(list)
    for channel in range(channels.count):
        alike[tuple(sorted(places[channel]))].append(channel)
    return list(alike.values())


def seeds_of(seed: int, replicate: int, level: int, control: str) -> Iterator[int]:
    """Give the seeds of a control's draws, one after the other."""
    return (derive(seed, replicate, "shuffle", level, control, attempt) for attempt in count())


def _empty(channels: Channels, kept: Kept) -> bool:
    return any(bool((along >= 0).all()) and not bool(kept[along].any()) for along in channels.axes.values())

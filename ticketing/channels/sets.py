"""Which channels stand along the same axes, and so are alike but for their weights; counts and removes nothing."""

from collections import Counter, defaultdict

from ticketing.channels.channels import STAYS, Channels
from ticketing.ladder.channels import ChannelSet, ChannelSets


def sets_of(channels: Channels) -> ChannelSets:
    """Give the sets of channels that stand along the same axes, as often along each, in the order they are met."""
    places: dict[int, Counter[tuple[str, int]]] = defaultdict(Counter)
    for at, along in channels.axes.items():
        for channel in along[along != STAYS].tolist():
            places[channel][at] += 1
    alike: dict[frozenset[tuple[tuple[str, int], int]], list[int]] = defaultdict(list)
    for channel in range(channels.count):
        alike[frozenset(places[channel].items())].append(channel)
    return ChannelSets(tuple(ChannelSet(tuple(of), places[of[0]]) for of in alike.values()), channels.stays)

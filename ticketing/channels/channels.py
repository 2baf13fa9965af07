"""The channels of a network that can be removed: where they stand, and why the others stay; removes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from ticketing.architectures import Inventory
from ticketing.architectures.inventory import Layer
from ticketing.channels.labels import Labels
from ticketing.channels.reading import Reading, read
from ticketing.channels.rules import RULES

STAYS = -1
"""Stands along an axis where an entry belongs to no channel that can be removed."""

Kept = Bool[Tensor, " channels"]
"""Which channels stay, True = kept."""


class Pad(NamedTuple):
    """What a module makes that pads channels."""

    before: Int[Tensor, " before"]
    """The channels that begin as zeros before those it reads."""
    behind: Int[Tensor, " behind"]


@dataclass(frozen=True)
class Channels:
    """The channels of a network that can be removed, numbered from 0."""

    count: int
    axes: Mapping[tuple[str, int], Int[Tensor, " length"]]
    """By name of a tensor of the state dict and axis: the channel of every index, or `STAYS`."""
    stays: Mapping[str, str]
    """Of every layer whose outputs cannot be removed: its weight, and why."""
    pads: Mapping[str, "Pad"]
    """By module that pads channels with zeros."""
    heads: Mapping[str, Int[Tensor, " heads"]]
    """Of every module that attends: the channel of each of its heads."""

    def index(self, name: str, axis: int, kept: Kept) -> Int[Tensor, " stay"] | None:
        """List the indices that stay along an axis of a tensor; None where no channel stands along it."""
        channels = self.axes.get((name, axis))
        return None if channels is None else stay(channels, kept).nonzero()[:, 0]

    def makers(self) -> Iterator[tuple[str, int, Int[Tensor, " length"]]]:
        """Go through what makes channels, as (tensor, axis, channel of every index): filters, biases, scales and
        shifts of norms. A layer makes what stands along axis 0 and reads the rest; of a table or an added parameter all
        is made."""
        for (name, axis), along in self.axes.items():
            if (axis == 0 or (name, 0) not in self.axes) and not name.endswith((".running_mean", ".running_var")):
                yield name, axis, along


def stay(channels: Int[Tensor, " length"], kept: Kept) -> Bool[Tensor, " length"]:
    """Say which entries of an axis stay."""
    return torch.cat([kept, torch.ones(1, dtype=torch.bool)])[channels]


def channels_of(module: nn.Module, inventory: Inventory) -> Channels:
    """Find the channels of a network.

    Args:
        module: On the `meta` device.
        inventory: Of the same.
    """
    dtype = torch.int64 if inventory.task == "next_token" else torch.float32
    reading = read(module, [torch.empty((2, *inventory.input_shape), dtype=dtype, device="meta")], RULES)
    numbers: dict[int, int] = {}
    axes = {at: _numbered(labels, reading, numbers) for at, labels in reading.book.axes.items()}
    pads = {name: Pad(*(_numbered(side, reading, numbers) for side in sides)) for name, sides in reading.pads.items()}
    heads = {name: _numbered(labels, reading, numbers) for name, labels in reading.heads.items()}
    stays = {layer.parameter: why for layer in inventory.layers if (why := _why(reading, layer)) is not None}
    return Channels(len(numbers), axes, stays, pads, heads)


def _numbered(labels: Labels, reading: Reading, numbers: dict[int, int]) -> Int[Tensor, " length"]:
    """Number what can be removed in the order in which it is met."""
    found = []
    for label in labels.tolist():
        removable = reading.book.reason(label) is None
        found.append(numbers.setdefault(reading.book.root(label), len(numbers)) if removable else STAYS)
    return torch.tensor(found, dtype=torch.int64)


def _why(reading: Reading, layer: Layer) -> str | None:
    """Say why the outputs of a layer stay; None if some can go."""
    labels = reading.book.axes.get((layer.parameter, layer.output_axis))
    if labels is None:
        return "nothing is known of what reads it"
    return next((why for label in labels.tolist() if (why := reading.book.reason(label)) is not None), None)

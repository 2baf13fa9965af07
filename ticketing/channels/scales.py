"""By which learned numbers the channels of a network are ranked, and which of them compete; ranks nothing.

Where norms scale each channel by itself, by theirs. Layer norms do not: a network that attends learns scales of its own
while its channels settle, one for every head and hidden unit, where the next layer reads what they give.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ticketing.architectures import Inventory
from ticketing.channels.channels import STAYS, Channels

SCALE = ".scale"
"""How the name of a scale ends that a layer learns for what it reads, in place of `.weight`."""


@dataclass(frozen=True)
class Scales:
    """The scales of a network's channels."""

    along: Mapping[str, Int[Tensor, " scales"]]
    """By name of a parameter: the channel that each of its entries scales, or `STAYS`."""
    kinds: Mapping[str, Bool[Tensor, " channels"]]
    """Who competes with whom: `channels` alone, or `heads` and `units` each with their own."""
    learned: Mapping[str, int]
    """Those that the network has while its channels settle and not afterwards: by name, how many there are."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that hold them."""
        return tuple(self.along)

    @property
    def ranked(self) -> Bool[Tensor, " channels"]:
        """The channels that have a scale; the others stay."""
        return torch.stack(list(self.kinds.values())).any(0)

    def scores(self, weights: Mapping[str, Float[Tensor, " scales"]]) -> Float[Tensor, " channels"]:
        """Score every channel by the mean of its scales' sizes; NaN for one that has none."""
        count = len(self.ranked)
        return pooled({name: weight.abs() for name, weight in weights.items()}, self.along, count)


def scales_of(inventory: Inventory, channels: Channels) -> Scales:
    """Find the scales of a network: gamma of every batch norm, else those that it can learn."""
    norms = {layer.parameter: layer.weight[0] for layer in inventory.layers if layer.kind == "norm"}
    if norms:
        none = torch.tensor([STAYS])
        along = {name: channels.axes.get((name, 0), none.expand(length)) for name, length in norms.items()}
        return Scales(along, {"channels": _in_any(along, channels.count)}, {})
    along = dict(_read(channels))
    ranked = _in_any(along, channels.count)
    heads = _in_any(channels.heads, channels.count) & ranked
    kinds = {"heads": heads, "units": ranked & ~heads}
    return Scales(along, kinds, {name: len(of) for name, of in along.items()})


def pooled(
    entries: Mapping[str, Float[Tensor, " length"]], along: Mapping[str, Int[Tensor, " length"]], count: int
) -> Float[Tensor, " channels"]:
    """Score every channel by the mean of its entries in some vectors; NaN for one that has none there.

    A channel around a shortcut has an entry in the norm of every block: it is decided once, for all of them.

    Args:
        entries: Scores, by name; others may be there.
        along: Of the vectors that count: the channel of every entry, or `STAYS`.
        count: Of the network's channels.
    """
    total, of = torch.zeros(count, dtype=torch.float64), torch.zeros(count, dtype=torch.float64)
    for name, channels in along.items():
        removable = channels != STAYS
        total.index_add_(0, channels[removable], entries[name].detach().cpu().double()[removable])
        of.index_add_(0, channels[removable], torch.ones(int(removable.sum()), dtype=torch.float64))
    return total / of


def _read(channels: Channels) -> Iterator[tuple[str, Int[Tensor, " scales"]]]:
    """Go through the fully connected layers of a network that attends by what they read: the name of a scale, and its
    channels, each once, in the order in which they lie side by side."""
    for (name, axis), along in channels.axes.items():
        if channels.heads and axis == 1 and bool((along != STAYS).any()):
            yield name.removesuffix(".weight") + SCALE, torch.unique_consecutive(along)


def _in_any(along: Mapping[str, Int[Tensor, " length"]], count: int) -> Bool[Tensor, " channels"]:
    found = torch.zeros(count + 1, dtype=torch.bool)
    for channels in along.values():
        found[channels] = True
    return found[:-1]

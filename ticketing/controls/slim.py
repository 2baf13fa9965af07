"""Counterparts of a slim ticket as the iterative search draws them: by its mask; trains nothing.

`reinit` is the one of `sparse`: the ticket's mask says its channels.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ticketing.channels import Channels, Kept
from ticketing.channels.slimming import kept_of, weight_mask
from ticketing.controls.channels import scattered, seeds_of, shuffled
from ticketing.controls.drawn import Drawn
from ticketing.mask import Mask
from ticketing.seeds import derive
from ticketing.subject import Subject, redraw

State = Mapping[str, Tensor]


def shuffle(
    channels: Channels, subject: Subject, mask: Mask, rewind_point: State, *, seed: int, replicate: int, level: int
) -> Drawn:
    """Permute which channels stay within each set, and keep the weights the ticket restarts from.

    Raises:
        InvariantError: All or none of every set stay.
    """
    drawn = shuffled(channels, kept_of(channels, mask), seeds_of(seed, replicate, level, "shuffle"))
    return Drawn(subject, _mask(channels, subject, drawn), rewind_point, full_schedule=False)


def reinit_shuffle(
    channels: Channels, subject: Subject, mask: Mask, rewind_point: State, *, seed: int, replicate: int, level: int
) -> Drawn:
    """Permute which channels stay within each set over freshly drawn weights: what is left is the widths alone.

    Raises:
        InvariantError: All or none of every set stay.
    """
    drawn = shuffled(channels, kept_of(channels, mask), seeds_of(seed, replicate, level, "reinit_shuffle"))
    start = redraw(subject, derive(seed, replicate, "reinit", level, "reinit_shuffle"))
    return Drawn(subject, _mask(channels, subject, drawn), start, full_schedule=True)


def random(
    channels: Channels, subject: Subject, mask: Mask, rewind_point: State, *, seed: int, replicate: int, level: int
) -> Drawn:
    """Keep as many channels in total, drawn over all sets together, and the ticket's weights: layers of other widths.

    Raises:
        InvariantError: All channels stay.
    """
    every = torch.ones(channels.count, dtype=torch.bool)
    drawn = scattered(channels, kept_of(channels, mask), [every], seeds_of(seed, replicate, level, "random"))
    return Drawn(subject, _mask(channels, subject, drawn), rewind_point, full_schedule=False, equal="channels")


CHANNEL_CONTROLS: Mapping[str, Callable[..., Drawn]] = {
    "shuffle": shuffle,
    "reinit_shuffle": reinit_shuffle,
    "random": random,
}
"""As `CONTROLS`, with the channels of the network before the other arguments."""


def _mask(channels: Channels, subject: Subject, kept: Kept) -> Mask:
    return weight_mask(channels, kept, subject.shapes)

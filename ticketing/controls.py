"""Random counterparts of a ticket at equal counts per layer: if they do as well, the ticket was luck.

To add one: a function here with `Draw`'s shape, its line in `CONTROLS`, its word in `recipe.Control`, and its row in
`docs/evidence.md`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor

from ticketing.mask import Mask
from ticketing.seeds import derive
from ticketing.subject import Subject, redraw


@dataclass(frozen=True)
class Drawn:
    """What a control trains."""

    mask: Mask
    start: Mapping[str, Tensor]
    """Whole state dict, before the mask is applied."""
    full_schedule: bool
    """Whether it trains the schedule from 0, or the part of it that the ticket trains."""


Draw = Callable[..., Drawn]
"""(subject, ticket's mask, ticket's rewind point, seed=, replicate=, level=) -> what to train."""


def reinit(
    subject: Subject, mask: Mask, rewind_point: Mapping[str, Tensor], *, seed: int, replicate: int, level: int
) -> Drawn:
    """Keep the mask and draw every weight anew from the layer's own initialiser (Frankle & Carbin 2018, figure 1)."""
    return Drawn(mask, redraw(subject, derive(seed, replicate, "reinit", level)), full_schedule=True)


def shuffle(
    subject: Subject, mask: Mask, rewind_point: Mapping[str, Tensor], *, seed: int, replicate: int, level: int
) -> Drawn:
    """Permute the mask within each tensor and keep the weights the ticket restarts from."""
    if all(kept in (0, mask[name].numel()) for name, kept in mask.counts().items()):
        return Drawn(mask, rewind_point, full_schedule=False)
    # A tiny tensor may be permuted onto itself by luck: then the next draw.
    drawn = (_permuted(mask, derive(seed, replicate, "shuffle", level, attempt)) for attempt in count())
    return Drawn(next(other for other in drawn if other != mask), rewind_point, full_schedule=False)


CONTROLS: Mapping[str, Draw] = {"reinit": reinit, "shuffle": shuffle}


def _permuted(mask: Mask, seed: int) -> Mask:
    generator = torch.Generator().manual_seed(seed)
    return Mask(
        {
            name: kept.reshape(-1)[torch.randperm(kept.numel(), generator=generator)].reshape(kept.shape)
            for name, kept in mask.items()
        }
    )

"""Random masks that keep as many inputs of every block as the ticket; builds no other network."""

from collections.abc import Mapping
from functools import partial
from itertools import count

import torch
from torch import Tensor

from ticketing.blocks import in_blocks, out_of_blocks
from ticketing.controls.drawn import Draw, Drawn
from ticketing.controls.sparse import divided, reinit_shuffle, shuffle, shuffled
from ticketing.mask import Mask
from ticketing.seeds import derive
from ticketing.subject import Subject


def controls_in_blocks(block: int) -> dict[str, Draw]:
    """Give the controls that draw a mask, each permuting within blocks of so many inputs, by their words."""
    permuted = partial(_permuted_in_blocks, block=block)
    return {
        "shuffle": partial(shuffle, permuted=permuted),
        "reinit_shuffle": partial(reinit_shuffle, permuted=permuted),
        "random": partial(_random, block=block),
    }


def _random(
    subject: Subject,
    mask: Mask,
    rewind_point: Mapping[str, Tensor],
    *,
    seed: int,
    replicate: int,
    level: int,
    block: int,
) -> Drawn:
    """Draw n of every block uniformly, n the ticket's: with a structure there is no other way to as many entries.

    Raises:
        InvariantError: The ticket keeps all or nothing of every parameter.
    """
    seeds = (derive(seed, replicate, "shuffle", level, "random", attempt) for attempt in count())
    drawn = shuffled(mask, seeds, partial(_permuted_in_blocks, block=block))
    return Drawn(subject, drawn, rewind_point, full_schedule=False)


def _permuted_in_blocks(mask: Mask, seed: int, *, block: int) -> Mask:
    """Permute within every block of the parameters that are neither whole nor empty."""
    generator, names = torch.Generator().manual_seed(seed), divided(mask)
    drawn = {name: _permuted(mask[name], block, generator) for name in names}
    return Mask({name: drawn.get(name, kept) for name, kept in mask.items()})


def _permuted(kept: Tensor, block: int, generator: torch.Generator) -> Tensor:
    blocks = in_blocks(kept, block)
    order = torch.rand(blocks.shape, generator=generator).argsort(1)
    return out_of_blocks(blocks.gather(1, order), kept.shape)

"""Random masks and random weights with the ticket's counts; builds no other network."""

from collections.abc import Callable, Iterator, Mapping
from itertools import count

import torch
from torch import Tensor

from ticketing.controls.drawn import Drawn
from ticketing.errors import InvariantError
from ticketing.mask import Mask
from ticketing.seeds import derive
from ticketing.subject import Subject, redraw

State = Mapping[str, Tensor]
Permute = Callable[[Mask, int], Mask]
"""(mask, seed) -> a mask with its counts."""

DRAWS_TO_FILL_ALL = 100
"""A mask that leaves a parameter with nothing is drawn again so often: beating a broken network proves nothing."""


def reinit(subject: Subject, mask: Mask, rewind_point: State, *, seed: int, replicate: int, level: int) -> Drawn:
    """Keep the mask and draw every weight anew from the layer's own initialiser (Frankle & Carbin 2018, figure 1)."""
    return Drawn(subject, mask, redraw(subject, derive(seed, replicate, "reinit", level)), full_schedule=True)


def permuted_in_parameters(mask: Mask, seed: int) -> Mask:
    """Permute a mask within each parameter."""
    generator = torch.Generator().manual_seed(seed)
    return Mask(
        {
            name: kept.reshape(-1)[torch.randperm(kept.numel(), generator=generator)].reshape(kept.shape)
            for name, kept in mask.items()
        }
    )


def shuffle(
    subject: Subject, mask: Mask, rewind_point: State, *, seed: int, replicate: int, level: int,
    permuted: Permute = permuted_in_parameters,
) -> Drawn:  # fmt: skip
    """Permute the mask within each parameter and keep the weights the ticket restarts from.

    Every parameter of which some entries are kept and some not is permuted onto another mask.

    Raises:
        InvariantError: There is no such parameter.
    """
    seeds = (derive(seed, replicate, "shuffle", level, attempt) for attempt in count())
    return Drawn(subject, shuffled(mask, seeds, permuted), rewind_point, full_schedule=False)


def reinit_shuffle(
    subject: Subject, mask: Mask, rewind_point: State, *, seed: int, replicate: int, level: int,
    permuted: Permute = permuted_in_parameters,
) -> Drawn:  # fmt: skip
    """Permute the mask within each parameter over freshly drawn weights: what is left is the counts alone.

    Raises:
        InvariantError: There is nothing to permute.
    """
    seeds = (derive(seed, replicate, "shuffle", level, "reinit_shuffle", attempt) for attempt in count())
    start = redraw(subject, derive(seed, replicate, "reinit", level, "reinit_shuffle"))
    return Drawn(subject, shuffled(mask, seeds, permuted), start, full_schedule=True)


def random(subject: Subject, mask: Mask, rewind_point: State, *, seed: int, replicate: int, level: int) -> Drawn:
    """Keep as many entries in total, drawn uniformly over all parameters together, and the ticket's weights.

    A parameter that the ticket keeps whole (exempt, rate 0) stays whole, one that it keeps nothing of stays empty;
    the others share the rest by chance, so the counts per layer differ from the ticket's. None of them is left with
    nothing where `DRAWS_TO_FILL_ALL` draws find such a mask.

    Raises:
        InvariantError: The ticket keeps all or nothing of every parameter.
    """
    competing = divided(mask)
    for attempt in count():
        drawn = _scattered(mask, competing, derive(seed, replicate, "shuffle", level, "random", attempt))
        kept = drawn.counts()
        if drawn != mask and (attempt >= DRAWS_TO_FILL_ALL or all(kept[name] for name in competing)):
            break
    return Drawn(subject, drawn, rewind_point, full_schedule=False, equal="total")


def divided(mask: Mask) -> tuple[str, ...]:
    """Name the parameters of which some entries are kept and some are not."""
    names = tuple(name for name, kept in mask.counts().items() if 0 < kept < mask[name].numel())
    if not names:
        raise InvariantError(f"expected a mask that can be drawn otherwise, got all or nothing kept: {mask.counts()}")
    return names


def shuffled(mask: Mask, seeds: Iterator[int], permuted: Permute) -> Mask:
    """Permute a mask until every parameter of which some entries are kept and some not has another one.

    Raises:
        InvariantError: There is no such parameter.
    """
    # A tiny parameter may be permuted onto itself by luck: then the next draw.
    names = divided(mask)
    drawn = (permuted(mask, seed) for seed in seeds)
    return next(other for other in drawn if not any(torch.equal(other[name], mask[name]) for name in names))


def _scattered(mask: Mask, competing: tuple[str, ...], seed: int) -> Mask:
    sizes = [mask[name].numel() for name in competing]
    together = torch.cat([mask[name].reshape(-1) for name in competing])
    drawn = together[torch.randperm(len(together), generator=torch.Generator().manual_seed(seed))]
    parts = dict(zip(competing, torch.split(drawn, sizes), strict=True))
    return Mask({name: parts[name].reshape(kept.shape) if name in parts else kept for name, kept in mask.items()})

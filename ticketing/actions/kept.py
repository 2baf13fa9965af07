"""The mask-1 actions of Zhou et al. 2019 (arXiv 1905.01067, section 4): what the kept entries of a tensor restart as.

To add one: a function here with `KeptAction`'s shape, its line in `KEPT`, and its word and sentence in
`ticketing.recipe.masking`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Untrained:
    """One prunable parameter before training."""

    name: str
    initial: Float[Tensor, "..."]
    """w_i of every entry, kept or not."""
    kept: Bool[Tensor, "..."]
    redrawn: Callable[[], Mapping[str, Tensor]]
    """Gives a fresh draw of the whole network by the layers' own initialisers, the same to all its parameters."""
    generator: torch.Generator
    """Of this tensor at this level of this replicate, on the CPU."""


KeptAction = Callable[[Untrained], Tensor]
"""Gives a tensor of the same shape; only its kept entries are looked at."""


def rewind(weight: Untrained) -> Float[Tensor, "..."]:
    """w_i: the initial weight itself."""
    return weight.initial


def reinit(weight: Untrained) -> Float[Tensor, "..."]:
    """Draw anew from the layer's initialiser."""
    return weight.redrawn()[weight.name]


def reshuffle(weight: Untrained) -> Float[Tensor, "..."]:
    """Permute the initial weights of the kept entries among the kept entries."""
    drawn, values = weight.initial.clone(), weight.initial[weight.kept]
    drawn[weight.kept] = values[torch.randperm(len(values), generator=weight.generator)]
    return drawn


def reshuffle_all(weight: Untrained) -> Float[Tensor, "..."]:
    """Permute the whole initial tensor, so that a kept entry may get the weight of a removed one.

    What the authors' code calls reinit: it has the initial distribution to the entry.
    """
    flat = weight.initial.reshape(-1)
    return flat[torch.randperm(len(flat), generator=weight.generator)].reshape(weight.initial.shape)


def constant(weight: Untrained) -> Float[Tensor, "..."]:
    """sign(w_i) s, s the population standard deviation of the whole initial tensor (Zhou et al. 2019, section 4.2)."""
    return torch.sign(weight.initial) * _deviation(weight)


def constant_random_sign(weight: Untrained) -> Float[Tensor, "..."]:
    """+s or -s by lot, s as in `constant`: its control, for it has everything of it but the signs."""
    heads = torch.randint(2, weight.initial.shape, generator=weight.generator)
    return (2.0 * heads - 1.0).to(weight.initial.dtype) * _deviation(weight)


KEPT: Mapping[str, KeptAction] = {
    "rewind": rewind,
    "reinit": reinit,
    "reshuffle": reshuffle,
    "reshuffle_all": reshuffle_all,
    "constant": constant,
    "constant_random_sign": constant_random_sign,
}


def _deviation(weight: Untrained) -> Tensor:
    return weight.initial.to(torch.float64).std(correction=0).to(weight.initial.dtype)

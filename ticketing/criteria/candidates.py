"""What a criterion may look at: the entries that compete, before and after training; knows no counts and no files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ticketing.mask import Mask

Weights = Mapping[str, Float[Tensor, "..."]]


@dataclass(frozen=True)
class Candidates:
    """The entries of one level that compete to stay, of all prunable parameters."""

    within: Mask
    """Those still kept, by parameter name; scores of others are never looked at."""
    initial: Weights
    """w_i: what they held before training. Other names beside the prunable ones may be there."""
    trained: Weights
    """w_f: what they hold after the level that ends here."""
    seed: int
    """Of what a criterion draws; another one at every level of every replicate."""
    measure_gradients: Callable[[], Weights]
    """Gives dL/dw at w_i, L the mean training loss of a fixed sample; costs a few forward and backward passes."""

    @cached_property
    def gradients(self) -> Weights:
        """What `measure_gradients` gives, measured once."""
        return self.measure_gradients()

    def pairs(self) -> Iterator[tuple[str, Float[Tensor, "..."], Float[Tensor, "..."]]]:
        """Go through the parameters: name, w_i, w_f."""
        for name in self.within:
            yield name, self.initial[name].detach(), self.trained[name].detach()


def shares_at_or_below(values: Float[Tensor, "..."], within: Bool[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Give every entry's rank among the candidates of its parameter as the share of them that are not above it.

    In (0, 1] for a candidate; equal values have equal ranks. Entries that are no candidates get a rank among them too,
    which nobody looks at.
    """
    ladder = values[within].sort().values
    at_or_below = torch.searchsorted(ladder, values.contiguous(), right=True)
    return at_or_below.to(torch.float64) / max(ladder.numel(), 1)


def eligible_first(scores: Weights, eligible: Mapping[str, Bool[Tensor, "..."]]) -> dict[str, Float[Tensor, "..."]]:
    """Lift every eligible entry above every other, each class in the order of its scores; equal scores stay equal.

    The numbers are ranks over all parameters, so that nothing is lost to rounding and parameters still compare.
    """
    sizes = [score.numel() for score in scores.values()]
    flat = torch.cat([score.reshape(-1) for score in scores.values()])
    distinct, ranks = torch.unique(flat, return_inverse=True)
    lifted = ranks + len(distinct) * torch.cat([eligible[name].reshape(-1) for name in scores])
    parts = torch.split(lifted.to(torch.float64), sizes)
    return {name: part.reshape(scores[name].shape) for name, part in zip(scores, parts, strict=True)}

"""Scores of whole channels; higher means keep. Knows no counts and no sets.

To add one: a function of `ChannelCriterion`'s shape here, its line in `CHANNEL_CRITERIA`, and its word and sentence in
`ticketing.recipe.masking`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ticketing.channels import Channels
from ticketing.channels.channels import STAYS
from ticketing.channels.scales import Scales
from ticketing.mask import Mask

Weights = Mapping[str, Float[Tensor, "..."]]
Scores = Float[Tensor, " channels"]


@dataclass(frozen=True)
class ChannelCandidates:
    """The channels of a network that compete to stay; scores of those that are gone are never looked at."""

    channels: Channels
    within: Mask
    """Entries of the weights that are still kept."""
    trained: Weights
    """w_f: whole state dict after the level that ends here, zero where a channel is gone."""
    scales: Scales
    """Those of the norms that norm each channel by itself."""
    seed: int
    """Of what a criterion draws; another one at every level of every replicate."""
    measure_gradients: Callable[[tuple[str, ...]], Weights]
    """Gives dL/dw at w_f by some parameters, L the mean training loss of a fixed sample."""


def l1(candidates: ChannelCandidates) -> Scores:
    """Mean |w_f| over the kept entries of a channel's filters, in every layer that makes it.

    Li et al. 2017 (arXiv 1608.08710, section 3.1) sum them: channels that compete have as many entries.
    """
    return _mean_over_filters(candidates, torch.abs)


def l2(candidates: ChannelCandidates) -> Scores:
    """Root mean square of w_f over the same entries."""
    return _mean_over_filters(candidates, torch.square).sqrt()


def norm_scale(candidates: ChannelCandidates) -> Scores:
    """Mean |gamma| over the scales of a channel's norms (Liu et al. 2017, arXiv 1708.06519, section 3)."""
    return candidates.scales.scores({name: candidates.trained[name] for name in candidates.scales.names})


def taylor(candidates: ChannelCandidates) -> Scores:
    """(The sum of g w)^2 over all that makes a channel: filters, biases, scales and shifts of norms; g = dL/dw at w_f.

    That is the squared slope of the loss against a gate on the channel's output (Molchanov et al. 2019, arXiv
    1906.10771, eq. 8 and section 3.3). They square batch by batch and average; here one gradient is of the whole
    sample. A filter under a norm adds nothing to it, for the norm undoes its size: the norm's scale and shift do.
    """
    makers = list(candidates.channels.makers())
    gradients = candidates.measure_gradients(tuple(dict.fromkeys(name for name, _, _ in makers)))
    total = torch.zeros(candidates.channels.count, dtype=torch.float64)
    for name, axis, along in makers:
        slopes = _rows(candidates.trained[name].double() * gradients[name].double(), axis).sum(1)
        _add(total, along, slopes)
    return total.square()


def random(candidates: ChannelCandidates) -> Scores:
    """Uniform in [0, 1), from the candidates' seed: the control of the others."""
    generator = torch.Generator().manual_seed(candidates.seed)
    return torch.rand(candidates.channels.count, generator=generator, dtype=torch.float64)


ChannelCriterion = Callable[[ChannelCandidates], Scores]
"""Candidates -> a score of every channel in float64; finite for every one that is still there."""

CHANNEL_CRITERIA: Mapping[str, ChannelCriterion] = {
    "l1": l1,
    "l2": l2,
    "norm_scale": norm_scale,
    "taylor": taylor,
    "random": random,
}


def _mean_over_filters(candidates: ChannelCandidates, size: Callable[[Tensor], Tensor]) -> Scores:
    """Average the sizes of the kept entries of the weights that make each channel."""
    total, entries = (torch.zeros(candidates.channels.count, dtype=torch.float64) for _ in range(2))
    for name, axis, along in candidates.channels.makers():
        if name in candidates.within:
            kept = candidates.within[name]
            _add(total, along, _rows(size(candidates.trained[name].double()) * kept, axis).sum(1))
            _add(entries, along, _rows(kept.double(), axis).sum(1))
    return total / entries


def _rows(values: Tensor, axis: int) -> Float[Tensor, "length entries"]:
    """Lay out values with one row for every index along an axis."""
    return values.movedim(axis, 0).reshape(values.shape[axis], -1)


def _add(total: Scores, along: Tensor, values: Tensor) -> None:
    removable = along != STAYS
    total.index_add_(0, along[removable], values[removable])

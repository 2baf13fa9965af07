"""Scores that compare across parameters: LAMP (Lee et al. 2020, arXiv 2010.07611); knows no criteria and no counts."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from ticketing.mask import Mask


def lamp(sizes: Mapping[str, Float[Tensor, "..."]], within: Mask, *, seed: int | None = None) -> dict[str, Tensor]:
    """Normalise sizes within each parameter: s(u)^2 / sum of s(v)^2 over candidates v from u upwards (eq. 1).

    The order within a parameter stays, and the largest of every parameter scores 1: so none is emptied while another
    has an entry to give. Of equal sizes the earlier one is the larger, or a seeded draw decides.

    Args:
        sizes: One tensor per parameter, 0 or more.
        within: The candidates; the others score 0.
        seed: Of the order of equal sizes; None puts the earlier first.

    Returns:
        Scores in [0, 1], float64: the sums of a large parameter need the digits.
    """
    return {name: _of_one(size, within[name], seed) for name, size in sizes.items()}


def _of_one(size: Tensor, kept: Tensor, seed: int | None) -> Tensor:
    squares = size[kept].to(torch.float64).square()
    order = torch.arange(len(squares))
    if seed is not None:
        order = torch.randperm(len(squares), generator=torch.Generator().manual_seed(seed))
    falling = order[squares[order].sort(descending=True, stable=True).indices]
    ordered = squares[falling]
    shares = torch.where(ordered > 0, ordered / ordered.cumsum(0), 0.0)
    scores = torch.zeros(size.shape, dtype=torch.float64)
    scores[kept] = torch.empty_like(shares).index_copy_(0, falling, shares)
    return scores

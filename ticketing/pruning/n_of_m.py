"""Scores in, mask out, with as many entries of every block; knows nothing of models or training."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ticketing.blocks import in_blocks, out_of_blocks
from ticketing.errors import CountError
from ticketing.mask import Mask
from ticketing.pruning.selection import check_scores


def keep_in_blocks(
    scores: Mapping[str, Float[Tensor, "..."]],
    counts: Mapping[str, int],
    block: int,
    *,
    within: Mask,
    ties: int | None = None,
) -> Mask:
    """Keep the highest-scoring entries of every block, as many of each as the count of its parameter says.

    Among equal scores of a block the earlier input survives, unless `ties` seeds a draw among them. The work is
    linear in the number of entries. The mask is on the CPU.

    Args:
        scores: One tensor per prunable parameter, shaped like it; higher means keep.
        counts: Kept entries per parameter: all of them, or n of every block.
        block: Inputs of a block.
        within: The previous level's mask; nothing it removed comes back.
        ties: Seed of the draw among equals, for scores that tie by the thousand.

    Raises:
        CountError: A count is not n of every block, or more than `within` still keeps of some block.
        NonFiniteScoreError: A score is NaN or infinite.
        InvariantError: `within` is of other parameters.
    """
    check_scores(scores, within)
    generator = None if ties is None else torch.Generator().manual_seed(ties)
    return Mask(
        {
            name: _kept(name, score.detach().cpu(), within[name].cpu(), counts[name], block, generator)
            for name, score in scores.items()
        }
    )


def _kept(
    name: str, score: Tensor, within: Tensor, count: int, block: int, generator: torch.Generator | None
) -> Bool[Tensor, "..."]:
    if count == within.numel():
        return within
    of_each, left = divmod(count * block, within.numel())
    if left or within.shape[1] % block:
        raise CountError(
            f"{name}: expected a count that keeps as many of every {block} inputs, got {count} of {list(within.shape)}"
        )
    before = in_blocks(within, block)
    if int(before.sum(1).min()) < of_each:
        raise CountError(f"{name}: expected {of_each} entries or more in every block, got {int(before.sum(1).min())}")
    candidates = in_blocks(score, block).masked_fill(~before, -torch.inf)
    return out_of_blocks(_highest_of_each(candidates, of_each, generator), within.shape)


def _highest_of_each(
    candidates: Float[Tensor, "blocks block"], keep: int, generator: torch.Generator | None
) -> Bool[Tensor, "blocks block"]:
    """Mark the `keep` highest of every row, the earlier of equals or drawn; rows are short, and sorting them cheap."""
    order = torch.arange(candidates.shape[1]).expand_as(candidates)
    if generator is not None:
        order = torch.rand(candidates.shape, generator=generator).argsort(1)
    falling = candidates.gather(1, order).sort(dim=1, descending=True, stable=True).indices
    return torch.zeros_like(candidates, dtype=torch.bool).scatter_(1, order.gather(1, falling[:, :keep]), True)

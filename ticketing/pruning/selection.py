"""Scores in, mask out: which entries survive. Knows nothing of models or training."""

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ticketing.errors import CollapseError, CountError, InvariantError, NonFiniteScoreError
from ticketing.mask import Mask


def keep_top(
    scores: Mapping[str, Float[Tensor, "..."]],
    keep: int,
    *,
    within: Mask | None = None,
    allow_collapse: bool = False,
    ties: int | None = None,
) -> Mask:
    """Keep the ``keep`` highest-scoring entries, all tensors competing together.

    Exactly ``keep`` entries survive, all of them among those that ``within`` still keeps.
    Among equal scores the earlier entry survives (mapping order, then row-major), unless `ties` seeds a draw among
    those equal to the lowest that survives. The mask is on the CPU.

    Args:
        scores: One tensor per prunable parameter, shaped like it; higher means keep.
        keep: Number of entries that survive; ``schedule.ladder`` gives it.
        within: The previous level's mask; nothing it removed comes back.
        allow_collapse: Let a parameter keep nothing.
        ties: Seed of the draw among equals, for scores that tie by the thousand: there the earlier would all be of the
            first rows.

    Raises:
        CountError: Negative, or more than ``within`` still keeps.
        NonFiniteScoreError: A score is NaN or infinite.
        CollapseError: A parameter would keep nothing.
        InvariantError: ``within`` is of other parameters.
    """
    check_scores(scores, within)
    flat = torch.cat([score.detach().cpu().reshape(-1) for score in scores.values()])
    eligible = None if within is None else torch.cat([within[name].cpu().reshape(-1) for name in scores])
    candidates = flat if eligible is None else flat[eligible]
    if not 0 <= keep <= candidates.numel():
        raise CountError(f"expected to keep 0 to {candidates.numel()} entries, got {keep}")
    kept = _highest(candidates, keep, ties)
    if eligible is not None:
        kept = eligible.masked_scatter(eligible, kept)
    sizes = [score.numel() for score in scores.values()]
    mask = Mask(
        {name: part.reshape(scores[name].shape) for name, part in zip(scores, torch.split(kept, sizes), strict=True)}
    )
    empty = [name for name, count in mask.counts().items() if count == 0]
    if empty and not allow_collapse:
        raise CollapseError(f"expected every parameter to keep an entry, but keeping {keep} leaves none in {empty}")
    return mask


def _highest(candidates: Float[Tensor, " n"], keep: int, ties: int | None) -> Bool[Tensor, " n"]:
    """Mark the `keep` highest of `candidates`, the earlier of equals or drawn, in time linear in their number."""
    n = candidates.numel()
    if keep == 0:
        return torch.zeros(n, dtype=torch.bool)
    lowest_kept = torch.kthvalue(candidates, n - keep + 1).values
    kept = candidates > lowest_kept
    # Everything above the lowest kept score stays; of those equal to it, only the first few still have room.
    tied = (candidates == lowest_kept).nonzero().reshape(-1)
    if ties is not None:
        tied = tied[torch.randperm(len(tied), generator=torch.Generator().manual_seed(ties))]
    kept[tied[: keep - int(kept.sum())]] = True
    return kept


def check_scores(scores: Mapping[str, Tensor], within: Mask | None) -> None:
    """Check that scores can be compared, and are of the parameters of the mask so far.

    Raises:
        NonFiniteScoreError: A score is NaN or infinite.
        InvariantError: `within` is of other parameters.
    """
    for name, score in scores.items():
        if not bool(torch.isfinite(score).all()):
            first = int((~torch.isfinite(score)).reshape(-1).nonzero()[0])
            raise NonFiniteScoreError(
                f"{name}: expected finite scores, got {score.reshape(-1)[first]} at entry {first}"
            )
    if within is None:
        return
    expected, came = ({name: tuple(t.shape) for name, t in given.items()} for given in (scores, within))
    if expected != came:
        raise InvariantError(f"expected within to be of the scored parameters {expected}, got {came}")

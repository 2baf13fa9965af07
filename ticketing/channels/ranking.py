"""Which channels stay: the best of all layers; scores and trains nothing.

A layer that would lose every channel keeps its best.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ticketing.channels.channels import STAYS, Channels, Kept
from ticketing.errors import CountError, NonFiniteScoreError
from ticketing.ladder.schedule import kept_at


class Ranked(NamedTuple):
    """What a ranking came to."""

    kept: Kept
    rescued: tuple[str, ...]
    """Weights of layers that would have lost every channel, and kept their best instead."""


def keep_best_of_kinds(
    scores: Float[Tensor, " channels"],
    channels: Channels,
    kinds: Mapping[str, Kept],
    *,
    sparsity: float,
    round_to: int = 1,
) -> Ranked:
    """Remove the given share of every kind of channels, as `keep_best` does of one; of `heads` none is rounded."""
    ranked = [
        keep_best(
            scores.where(kind, torch.nan), channels, sparsity=sparsity, round_to=1 if name == "heads" else round_to
        )
        for name, kind in kinds.items()
    ]
    rescued = dict.fromkeys(name for one in ranked for name in one.rescued)
    return Ranked(torch.stack([one.kept for one in ranked]).all(0), tuple(rescued))


def keep_best(scores: Float[Tensor, " channels"], channels: Channels, *, sparsity: float, round_to: int = 1) -> Ranked:
    """Remove the given share of the channels that have a score, the lowest of all layers together.

    Exact: that share of their number, rounded half up, stays removed, but for those that a layer is rescued or rounded
    up by. Of equal scores the earlier channel stays. Channels without a score stay and are not counted.

    Args:
        scores: Higher means keep; NaN is no score.
        channels: Of the network.
        sparsity: Share removed, in [0, 1]; of 1 every layer is rescued.
        round_to: Every layer keeps a multiple of so many channels, rounded up by the best it would lose, or all.

    Raises:
        CountError: No channel has a score.
        NonFiniteScoreError: A score is infinite.
    """
    ranked = ~scores.isnan()
    total = int(ranked.sum())
    if total == 0:
        raise CountError("expected channels with a score, got none")
    if bool(scores.isinf().any()):
        raise NonFiniteScoreError(f"expected finite scores, got {scores.isinf().sum()} infinite ones")
    order = torch.where(ranked, scores, -torch.inf).argsort(descending=True, stable=True)
    kept = ~ranked
    kept[order[: kept_at(total, sparsity)]] = True
    rescued = tuple(_rescued(kept, scores, channels))
    _round_up(kept, scores, channels, round_to)
    return Ranked(kept, rescued)


def _rescued(kept: Kept, scores: Float[Tensor, " channels"], channels: Channels) -> Iterable[str]:
    """Put back the best channel of every axis of a weight that would be left with nothing, and name the weights."""
    for (name, _), along in channels.axes.items():
        if not bool((along == STAYS).any()) and not bool(kept[along].any()):
            kept[along[scores[along].argmax()]] = True
            yield name


def _round_up(kept: Kept, scores: Float[Tensor, " channels"], channels: Channels, multiple: int) -> None:
    """Put back the best channels of every axis whose length is no multiple, until each is one or whole: what one axis
    gets back may stand along others. An axis along which a channel stands several times follows those that make it.
    """
    axes = [along for along in channels.axes.values() if not _repeats(along)]
    lacking = True
    while lacking:
        lacking = False
        for along in axes:
            removed = along[(along != STAYS) & ~kept[along]]
            short = -(len(along) - len(removed)) % multiple
            if short and len(removed):
                lacking = True
                kept[removed[scores[removed].argsort(descending=True, stable=True)[:short]]] = True


def _repeats(along: Tensor) -> bool:
    removable = along[along != STAYS].tolist()
    return len(set(removable)) < len(removable)

"""The channels of a level, chosen by what the level before it trained to; knows no way through the levels."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ticketing.channels import Kept
from ticketing.channels.scales import scales_of
from ticketing.channels.slimming import kept_of
from ticketing.criteria.of_channels import CHANNEL_CRITERIA, ChannelCandidates
from ticketing.journal.findings import Findings
from ticketing.journal.structure import sets_in
from ticketing.journal.workbench import Workbench
from ticketing.ladder.channels import ChannelSet, channel_counts
from ticketing.mask import Mask
from ticketing.pruning.sample_gradients import gradients_at
from ticketing.pruning.selection import keep_top
from ticketing.seeds import derive


def choose_channels(bench: Workbench, found: Findings, replicate: int, level: int, *, after: int) -> Kept:
    """Choose the channels that a level keeps among those that level `after` still has, by what that one trained to.

    Raises:
        NonFiniteScoreError: The score of a channel that is still there is NaN or infinite.
    """
    sets = sets_in(bench)
    assert sets is not None
    scores = _scores(bench, found, replicate, level, after=after)
    within = kept_of(bench.channels, found.mask(replicate, after))
    counts = channel_counts(bench.subject.inventory, bench.recipe, sets, bench.start)[level]
    return keep_best_of_sets(scores, sets.sets, counts, within=within)


def keep_best_of_sets(
    scores: Float[Tensor, " channels"], sets: Sequence[ChannelSet], counts: Sequence[int], *, within: Kept
) -> Kept:
    """Keep the highest-scoring channels of every set, exactly as many as asked; of equals the earlier.

    Args:
        scores: Higher means keep; of channels outside `within` they are not looked at.
        sets: Who competes with whom; every channel in one set.
        counts: Channels that each keeps.
        within: Those of the level before; nothing it removed comes back.

    Raises:
        CountError: More than a set still has.
        NonFiniteScoreError: A score within is NaN or infinite.
    """
    kept = torch.zeros_like(within)
    for alike, count in zip(sets, counts, strict=True):
        name, own = f"channels {alike.channels[0]} to {alike.channels[-1]}", torch.tensor(alike.channels)
        candidates = Mask({name: within[own]})
        looked_at = {name: torch.where(within[own], scores[own], 0.0)}
        kept[own] = keep_top(looked_at, count, within=candidates)[name]
    return kept


def _scores(bench: Workbench, found: Findings, replicate: int, level: int, *, after: int) -> Float[Tensor, " channels"]:
    recipe, trained = bench.recipe, found.latest(replicate)

    def measure(names: tuple[str, ...]) -> dict[str, Tensor]:
        return gradients_at(
            bench.subject,
            trained,
            names,
            data=bench.data,
            training=recipe.training,
            seed=derive(recipe.seed, replicate, "mask_noise", "examples"),
        )

    candidates = ChannelCandidates(
        channels=bench.channels,
        within=found.mask(replicate, after),
        trained=trained,
        scales=scales_of(bench.subject.inventory, bench.channels),
        seed=derive(recipe.seed, replicate, "mask_noise", level),
        measure_gradients=measure,
    )
    return CHANNEL_CRITERIA[recipe.criterion](candidates)

"""Finds the channels to remove in the first epochs of training (You et al. 2019); looks at train and validation.

Level 0 is the dense network, trained with an L1 term on the scales of its channels until every watched share of
them has settled, or to the end of the search. Level l is the slim network of the l-th share. With a target the one
share there is, is what every epoch's ranking takes to be within it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ticketing.analysis.fit import on_train
from ticketing.channels import Kept
from ticketing.channels.distances import farthest
from ticketing.channels.ranking import Ranked, keep_best_of_kinds
from ticketing.channels.scales import Scales, scales_of
from ticketing.channels.slimming import weight_mask
from ticketing.gain.shares import Fitting
from ticketing.journal.birds import Birds, birds_of, not_settled, start_of_search, start_of_slim
from ticketing.journal.facts import say_completed, say_mask_drawn
from ticketing.journal.results import Result
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench
from ticketing.ladder.early_bird import settled
from ticketing.mask import Mask
from ticketing.plans.early_bird import updates_of_search
from ticketing.recipe.early_bird import EarlyBird
from ticketing.seeds import order_of_level
from ticketing.training.trained import Trained
from ticketing.training.watching import Seen, Watch


def search(bench: Bench[EarlyBird], replicate: int) -> None:
    """Train one replicate's dense network until its tickets are found, then every slim network to the end.

    At the end the journal holds the result and curve of every level, and what `Birds` lists.

    Raises:
        Stopped: The observer asked to stop; the journal was saved.
        SearchError: A training diverged.
    """
    birds = birds_of(bench)
    dense = Where.of_search(replicate, 0)
    if not bench.passed(dense):
        _find(bench, birds, dense)
    for level in range(1, len(bench.recipe.watched) + 1):
        where = Where.of_search(replicate, level)
        if not bench.passed(where):
            _train_slim(bench, birds, where)


@dataclass
class _Settling:
    """Ranks the channels after every epoch, and says when all levels have settled."""

    bench: Bench[EarlyBird]
    birds: Birds
    replicate: int
    scales: Scales = field(init=False)
    _fitting: Fitting | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        bench, target = self.bench, self.bench.recipe.target
        self.scales = scales_of(bench.subject.inventory, bench.channels)
        if target is not None:
            self._fitting = Fitting(bench.subject, bench.channels, target, between=bench.still_there)

    def refuse_what_no_width_meets(self) -> None:
        """Hold the whole network and the narrowest against the target, if there is one.

        Raises:
            RecipeError: The one is within it, or the other is not.
        """
        if self._fitting is not None:
            self.bench.phase("measure_widths")
            equal = torch.ones(self.bench.channels.count, dtype=torch.float64).where(self.scales.ranked, torch.nan)
            self._fitting.refuse_the_ends(partial(self._without, equal))

    def look(self, step: int, weights: Mapping[str, Tensor]) -> Seen:
        """Note which channels each level would keep; what it notes is saved with the training's next checkpoint."""
        birds, replicate = self.birds, self.replicate
        ranked, fitted = self._ranked(self.scales.scores(weights))
        epoch, found, new = step // self.bench.per_epoch, dict(birds.found(replicate)), []
        rescued = {level: birds.rescued(replicate, level) for level in found}
        for level, one in enumerate(ranked, 1):
            if level in found:
                continue
            rescued[level] = one.rescued
            if self._settled(level, one.kept):
                found[level] = epoch
                new.append(level)
        birds.keep_epoch(replicate, [one.kept for one in ranked], found=found, rescued=rescued, fitted=fitted)
        for level in new:
            kept = ranked[level - 1].kept
            say_mask_drawn(
                self.bench,
                Where.of_search(replicate, level),
                weight_mask(self.bench.channels, kept, self.bench.subject.shapes),
                epoch=epoch,
                channel_sparsity=birds.share(replicate, level),
                channels_kept=int(kept.sum()),
            )
        return Seen(capture=bool(new), end=len(found) == len(ranked))

    def _ranked(self, scores: Tensor) -> tuple[list[Ranked], Mapping[str, Any] | None]:
        """Give the channels that each level would keep, and what is noted of holding them against a target."""
        without = partial(self._without, scores)
        if self._fitting is None:
            return [without(share) for share in self.bench.recipe.channel_sparsities or ()], None
        fitted = self._fitting.fit(without)
        return [fitted.ranked], fitted.found

    def _without(self, scores: Tensor, share: float) -> Ranked:
        channels, kinds = self.bench.channels, self.scales.kinds
        return keep_best_of_kinds(scores, channels, kinds, sparsity=share, round_to=self.bench.recipe.round_to)

    def _settled(self, level: int, newest: Kept) -> bool:
        """Say whether a level is found with its newest mask."""
        recipe, kinds = self.bench.recipe, [kind.numpy() for kind in self.scales.kinds.values()]
        masks = [*self.birds.masks(self.replicate, level), newest.numpy()]

        def between(one: int, other: int) -> float:
            return farthest(masks[one], masks[other], kinds)

        return settled(between, len(masks), rule=recipe.rule, window=recipe.window, threshold=recipe.threshold)


def _find(bench: Bench[EarlyBird], birds: Birds, where: Where) -> None:
    """Train the dense network until every level has settled or the search ends, and keep the state of each."""
    recipe, replicate = bench.recipe, where.replicate
    settling = _Settling(bench, birds, replicate)
    if replicate == 0 and not birds.epochs(0):
        settling.refuse_what_no_width_meets()
    bench.phase("train_dense")
    end = updates_of_search(recipe, bench.per_epoch)
    trained, result = bench.train(
        where,
        start_of_search(bench, replicate),
        mask=Mask.full(bench.subject.shapes),
        order_seed=order_of_level(recipe.seed, replicate, 0),
        last_step=end,
        capture_at=(end // bench.per_epoch * bench.per_epoch,),
        block_floating=recipe.search_precision == "int8",
        watch=Watch(bench.per_epoch, settling.scales.names, settling.look, pull=recipe.l1),
        learned=settling.scales.learned,
    )
    levels = range(1, len(recipe.watched) + 1)
    for epoch in {birds.epoch(replicate, level) for level in levels}:
        birds.keep_state(replicate, epoch, trained.captured[epoch * bench.per_epoch])
    for warning in not_settled(bench, birds, replicate):
        bench.say("warning", **warning)
    _keep(bench, birds, where, trained, result)


def _train_slim(bench: Bench[EarlyBird], birds: Birds, where: Where) -> None:
    """Train the slim network of a level to the end of the schedule."""
    bench.phase("train_level")
    start, first_step = start_of_slim(bench, where.replicate, where.level)
    trained, result = bench.train(
        where,
        start,
        mask=Mask.full(bench.subject.shapes),
        order_seed=order_of_level(bench.recipe.seed, where.replicate, where.level),
        first_step=first_step,
        kept=birds.kept(where.replicate, where.level),
    )
    if where.replicate == 0:
        birds.keep_trained(0, where.level, trained.best)
    _keep(bench, birds, where, trained, result)


def _keep(bench: Bench[EarlyBird], birds: Birds, where: Where, trained: Trained, result: Result) -> None:
    """Keep what a level came to, and say so."""
    result = result.fitting(on_train(bench, trained.final))
    bench.record(where, result, trained)
    say_completed(bench, where, birds.mask(where.replicate, where.level), result)
    bench.between(where.at(trained.curve[-1].step))

"""The mask-0 actions of Zhou et al. 2019 (arXiv 1905.01067, section 5): which entries have their initial weight.

An entry has either its initial weight (or what `kept` puts in its place) or zero when a level begins; one that is
removed holds that through every training. To add one: a function here with `PrunedAction`'s shape, its line in
`PRUNED`, and its word and sentence in `ticketing.recipe.masking`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

Bits = Bool[Tensor, "..."]


@dataclass(frozen=True)
class Pruning:
    """One prunable parameter at the moment at which a level's mask is drawn."""

    before: Bits
    """Kept until now."""
    kept: Bits
    """Kept from now on."""
    frozen: Bits
    """Removed at earlier levels and held at its initial weight: what was decided of an entry once stays."""
    initial: Float[Tensor, "..."]
    """w_i: what an entry held before the level that ends here."""
    trained: Float[Tensor, "..."]
    """w_f: what it holds after it."""

    @property
    def grew(self) -> Bits:
        """|w_f| > |w_i|: sizes, so that a negative weight that became more negative grew."""
        return self.trained.abs() > self.initial.abs()

    @property
    def shrank(self) -> Bits:
        """|w_f| < |w_i|. An entry that did not move neither grew nor shrank."""
        return self.trained.abs() < self.initial.abs()

    @property
    def removed_now(self) -> Bits:
        """Removed by the mask that is being drawn."""
        return self.before & ~self.kept


PrunedAction = Callable[[Pruning], Bits]
"""Gives the entries that begin at their initial weight; all others begin at zero."""


def zero(pruning: Pruning) -> Bits:
    """Removed entries are zero (Frankle & Carbin 2018)."""
    return pruning.kept


def freeze(pruning: Pruning) -> Bits:
    """Removed entries hold w_i, untrained."""
    return pruning.kept | ~pruning.kept


def freeze_if_growing(pruning: Pruning) -> Bits:
    """Removed entries hold w_i where |w_f| > |w_i|, and zero elsewhere.

    Zero then is where training was taking them: the paper's account of why zero works.
    """
    return pruning.kept | pruning.frozen | (pruning.removed_now & pruning.grew)


def freeze_if_growing_all(pruning: Pruning) -> Bits:
    """As `freeze_if_growing`, and kept entries with |w_f| < |w_i| begin at zero too, but train."""
    return freeze_if_growing(pruning) & ~(pruning.kept & pruning.shrank)


def freeze_if_shrinking(pruning: Pruning) -> Bits:
    """Removed entries hold w_i where |w_f| < |w_i|, and zero elsewhere: the reverse control of `freeze_if_growing`."""
    return pruning.kept | pruning.frozen | (pruning.removed_now & pruning.shrank)


PRUNED: Mapping[str, PrunedAction] = {
    "zero": zero,
    "freeze": freeze,
    "freeze_if_growing": freeze_if_growing,
    "freeze_if_growing_all": freeze_if_growing_all,
    "freeze_if_shrinking": freeze_if_shrinking,
}

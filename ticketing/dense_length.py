"""How long a dense network trains to have had what a ticket had: as many multiply-adds, or as many updates; no torch.

| control       | its updates                                    | what it has in common with the ticket's weights  |
| `dense_short` | k + floor((T - k) m / M), at least 1           | multiply-adds behind them, to less than one update |
| `dense_long`  | of the levels that the ticket goes on from, + T | updates behind them                              |

T: updates of `training.length`; k: those of the rewind point; M, m: multiply-adds of one forward pass with all
weights, and with those that the ticket keeps. Liu et al. 2019 (arXiv 1810.05270, `Scratch-B`) too give a network the
budget of the one it is compared with: there the small network, here the dense one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ticketing.architectures import Inventory
from ticketing.costs import forward_flops
from ticketing.counts import groups
from ticketing.folder import StartSpec
from ticketing.level_length import level_length
from ticketing.recipe import DENSE_LENGTHS, Iterative
from ticketing.start import recipe_of_level
from ticketing.step import iterations_per_epoch


def updates_of_short(inventory: Inventory, carrying: Mapping[str, int], *, steps: int, first: int) -> int:
    """Count the updates of `dense_short`.

    Args:
        inventory: The network's layers.
        carrying: Entries per prunable parameter that a forward pass of the ticket cannot leave out.
        steps: T.
        first: k.
    """
    sparse, dense = (forward_flops(inventory, kept, examples=1).nonzero for kept in (carrying, None))
    return max(1, first + (steps - first) * sparse // dense)


@dataclass(frozen=True)
class DenseLengths:
    """What a plan can say of them: how long they train at most, at any level of a ladder."""

    inventory: Inventory
    recipe: Iterative
    rows: Sequence[Mapping[str, int]]
    """Entries kept per competition group, level 0 first."""
    steps: int
    first: int
    train: int
    """Examples that weights are fitted on."""
    trained: bool
    """Whether the weights came trained, so that level 0 makes no update."""
    start: StartSpec | None

    @property
    def at_most(self) -> bool:
        """Whether a bound may be above what is trained: which entries stay, only the search knows."""
        shared = len(self.rows[0]) < len(self.inventory.prunable)
        return "dense_short" in self.recipe.evidence.controls and (shared or self.recipe.holds)

    def updates(self, control: str, level: int) -> int:
        """Bound the updates of a control beside the ticket of a level; 0 for one of the usual length."""
        if control not in DENSE_LENGTHS:
            return 0
        return self._short(level) if control == "dense_short" else self._long(level)

    def _short(self, level: int) -> int:
        """Count as if those entries of a competition group stayed that cost the most."""
        if self.recipe.holds:
            return self.steps
        layers, kept = {layer.parameter: layer for layer in self.inventory.prunable}, dict[str, int]()
        for group, names in groups(self.inventory, self.recipe).items():
            left = self.rows[level][group]
            for name in sorted(names, key=lambda of: layers[of].multiply_adds / layers[of].entries, reverse=True):
                kept[name] = min(left, layers[name].entries)
                left -= kept[name]
        return updates_of_short(self.inventory, kept, steps=self.steps, first=self.first)

    def _long(self, level: int) -> int:
        below = [recipe_of_level(number, self.recipe, self.start) for number in range(level)]
        made = [level_length(of, iterations_per_epoch(self.train, of.training.batch_size)).last_step for of in below]
        return sum(made[1:] if self.trained else made) + self.steps

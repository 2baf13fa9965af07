"""What a certificate trains, and for how many updates at most; arithmetic alone, loads no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ticketing.architectures import Inventory
from ticketing.folder import StartSpec
from ticketing.ladder.counts import groups
from ticketing.ladder.level_length import level_length
from ticketing.plans.dense_length import updates_of_short
from ticketing.plans.start import recipe_of_level
from ticketing.recipe import DENSE_LENGTHS, FULL_SCHEDULE, Control, Iterative
from ticketing.step import iterations_per_epoch


@dataclass(frozen=True)
class CertificatePlan:
    """Counts what ticket, dense network and controls train on a ladder."""

    inventory: Inventory
    recipe: Iterative
    rows: Sequence[Mapping[str, int]]
    """Entries kept per competition group, level 0 first."""
    steps: int
    """Updates of `training.length`."""
    first: int
    """Those of the rewind point."""
    train: int
    """Examples that weights are fitted on."""
    trained: bool
    """Whether the weights came trained, so that level 0 makes no update."""
    start: StartSpec | None

    @property
    def at_most(self) -> bool:
        """Whether a bound may be above what is trained: which entries stay, only the search knows."""
        shared = len(self.rows[0]) < len(self.inventory.prunable)
        slim = self.recipe.removes_channels
        return "dense_short" in self.recipe.evidence.controls and (shared or slim or self.recipe.holds)

    def replicate(self, judged: Sequence[int]) -> tuple[int, int]:
        """Count (updates, trainings) of one replicate: dense, and at every judged level ticket and controls."""
        controls = self.recipe.evidence.controls
        beside = sum(self.updates(control, level) for level in judged for control in controls)
        tickets = len(judged) * (self.steps - self.first)
        return self.steps + tickets + beside, 1 + len(judged) * (1 + len(controls))

    def updates(self, control: Control, level: int) -> int:
        """Bound the updates of a control beside the ticket of a level."""
        if control in DENSE_LENGTHS:
            return self._short(level) if control == "dense_short" else self._long(level)
        return self.steps if control in FULL_SCHEDULE else self.steps - self.first

    def _short(self, level: int) -> int:
        """Count as if those entries of a competition group stayed that cost the most."""
        if self.recipe.holds or self.recipe.removes_channels:
            return self.steps
        layers, kept = {layer.parameter: layer for layer in self.inventory.prunable}, dict[str, int]()
        for group, names in groups(self.inventory, self.recipe).items():
            left = self.rows[level][group]
            for name in sorted(names, key=lambda of: layers[of].multiply_adds / layers[of].entries, reverse=True):
                kept[name] = min(left, layers[name].entries)
                left -= kept[name]
        return updates_of_short(self.inventory, kept, steps=self.steps, first=self.first)

    def _long(self, level: int) -> int:
        if self.recipe.schedule_of_pruning == "gradual":
            return 2 * self.steps
        below = [recipe_of_level(number, self.recipe, self.start) for number in range(level)]
        made = [level_length(of, iterations_per_epoch(self.train, of.training.batch_size)).last_step for of in below]
        return sum(made[1:] if self.trained else made) + self.steps

"""How long the dense network of a control trains, from what the ticket's search really did; trains nothing."""

from ticketing.channels.slimming import slim_inventory
from ticketing.journal.findings import Findings
from ticketing.journal.structure import kept_in
from ticketing.journal.walk import walk_of
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.plans.dense_length import updates_of_short
from ticketing.plans.start import recipe_of_level, taken_over
from ticketing.recipe import Iterative
from ticketing.step import Step, iterations_per_epoch


def updates_of_dense(bench: Workbench, found: Findings, where: Where, *, search: int) -> int:
    """Count the updates of `dense_short` or `dense_long` beside the ticket of a level.

    Args:
        bench: Of the run.
        found: What its searches found.
        where: The control's training.
        search: The one that its ticket comes from.
    """
    recipe, steps = bench.recipe, bench.plan.steps_per_training
    if where.branch == "dense_long":
        return _behind(bench, search, where.level) + steps
    first = _first_step(recipe, bench)
    if (kept := kept_in(bench, found.mask(search, where.level))) is not None:
        slim = slim_inventory(bench.subject.inventory, bench.channels, kept).multiply_adds
        return max(1, first + (steps - first) * slim // bench.subject.inventory.multiply_adds)
    carrying = found.carrying(search, where.level).counts()
    return updates_of_short(bench.subject.inventory, carrying, steps=steps, first=first)


def _behind(bench: Workbench, search: int, level: int) -> int:
    """Count the updates of the trainings that a level's weights come from, back to where they were last rewound."""
    if bench.recipe.schedule_of_pruning == "gradual":
        return bench.result(Where.of_search(search, level)).updates  # it was pruned while it trained them
    start = bench.start if search < taken_over(bench.recipe, bench.start) else None
    behind = 0
    for below in reversed([at for at in walk_of(bench).within if at < level]):
        recipe = recipe_of_level(below, bench.recipe, start)
        behind += bench.result(Where.of_search(search, below)).updates
        if below and isinstance(recipe.rewind, Step):
            return behind + _first_step(recipe, bench)
    return behind


def _first_step(recipe: Iterative, bench: Workbench) -> int:
    return recipe.rewind_update(iterations_per_epoch(len(bench.data.y_train), recipe.training.batch_size))

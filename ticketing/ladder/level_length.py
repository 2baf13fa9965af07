"""How long the levels of a search train, next to the certificate's finalists, which train the whole length; no torch.

A short level is the beginning of the whole training and nothing else: the same batches at the same learning rates,
then it ends. So a rewind point has the same weights whatever the length, and a level that may end early need not know
where. A drop of the rate beyond the end is not reached.
"""

from typing import NamedTuple

from ticketing.errors import Fault, RecipeError
from ticketing.recipe import Iterative, Milestones
from ticketing.step import Step


class LevelLength(NamedTuple):
    """Where a level of a search ends."""

    last_step: int
    """Number of the schedule's updates at which it ends at the latest."""
    patience: int | None
    """It ends before that once so many evaluations in a row did not lower its validation loss; None never does."""


def level_length(recipe: Iterative, per_epoch: int) -> LevelLength:
    """Read how long the levels of a search train, level 0 included.

    Raises:
        RecipeError: A level would train for longer than a finalist.
    """
    steps = recipe.training.length.iterations(per_epoch)
    if recipe.level_length == "early_stop":
        return LevelLength(steps, recipe.early_stop_patience)
    if not isinstance(recipe.level_length, Step):
        return LevelLength(steps, None)
    own = recipe.level_length.iterations(per_epoch)
    if own > steps:
        detail = f"expected at most update {steps}, where training ends, got {recipe.level_length} = {own}"
        raise RecipeError(detail, [Fault("/recipe/level_length", "longer_than_training", detail)])
    return LevelLength(own, None)


def delivers_finalist(recipe: Iterative) -> bool:
    """Say whether the delivered weights are the certificate's: those of the search trained for less than they."""
    return recipe.level_length != "full" and recipe.evidence.replicates > 0


def warnings_of_length(recipe: Iterative, per_epoch: int) -> list[tuple[str, str]]:
    """Warn of what levels that end before the schedule does not reach, and of what is then delivered."""
    if recipe.level_length == "full":
        return []
    end, schedule = level_length(recipe, per_epoch), recipe.training.schedule
    warnings = []
    drops = schedule.at if isinstance(schedule, Milestones) else ()
    late = [str(step) for step in drops if step.iterations(per_epoch) >= end.last_step]
    if late:
        detail = f"levels end at update {end.last_step}: the learning rate never drops at {', '.join(late)} in them"
        warnings.append(("schedule_cut_short", detail))
    if schedule.name in ("cosine", "one_cycle") and isinstance(recipe.level_length, Step):
        detail = f"levels end at update {end.last_step}, while the learning rate of {schedule.name} is still falling"
        warnings.append(("schedule_cut_short", detail))
    if not delivers_finalist(recipe):
        detail = "without evidence there is no finalist: the delivered weights are those of a level's shorter training"
        warnings.append(("delivered_trained_shorter", detail))
    return warnings

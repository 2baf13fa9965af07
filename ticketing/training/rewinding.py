"""Where kept weights restart, and what the schedule does then; trains nothing and draws no mask.

| `rewind`  | weights                                   | updates of the schedule            |
| `0it`     | as before training (Frankle & Carbin 2018) | 0 to T                             |
| `500it`   | the dense run's after 500 updates          | 500 to T (Frankle et al. 2020)     |
| `lr`      | the level's before, trained                | 0 to T again (Renda et al. 2020)   |
| `none`    | the level's before, trained                | T more at the last learning rate   |
| `auto`    | one of these, as `ticketing.analysis.stability` chose while running                      |

Optimizer, momenta, norm statistics and biases go back with the weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ticketing.plans.iterative import rewind_step
from ticketing.recipe import Iterative
from ticketing.seeds import derive
from ticketing.step import Step
from ticketing.subject import Subject, redraw


@dataclass(frozen=True)
class Restart:
    """How the training of a pruned level begins."""

    first_step: int
    """Updates of the schedule that the weights have behind them."""
    from_trained: bool
    """Whether it restarts from what the level before trained to, rather than from a point of the dense run."""
    fine_tune: bool
    """Whether the last learning rate is kept instead of replaying the schedule."""


STABILITY = "run/stability"
"""The journal's name for what was chosen in place of `auto`, and on what grounds."""


def settled(recipe: Iterative, facts: Mapping[str, Mapping[str, Any]]) -> Iterative:
    """Give the recipe with what a journal's facts say was chosen where it says `auto`; else the recipe itself."""
    if recipe.rewind != "auto":
        return recipe
    chosen = facts[STABILITY]["chosen"]
    return recipe.model_copy(update={"rewind": chosen if chosen == "lr" else Step(chosen)})


def restart_of(recipe: Iterative, *, per_epoch: int) -> Restart:
    """Read the rewind of a recipe.

    Args:
        recipe: Resolved, and `settled` where it said `auto`.
        per_epoch: Updates in an epoch.

    Raises:
        RecipeError: The rewind point is not before the end of the training.
    """
    return Restart(
        first_step=rewind_step(recipe, per_epoch),
        from_trained=recipe.rewind in ("lr", "none"),
        fine_tune=recipe.rewind == "none",
    )


def initial_state(subject: Subject, *, seed: int, replicate: int) -> Mapping[str, Tensor]:
    """Give the weights a replicate's search begins with: the subject's own for the first, a fresh draw for others."""
    return subject.initial_state if replicate == 0 else redraw(subject, derive(seed, replicate, "init"))

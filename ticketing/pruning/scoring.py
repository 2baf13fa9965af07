"""What a level's entries score before its mask is drawn, and how equals are told apart; draws no mask."""

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from ticketing.actions import begun
from ticketing.criteria import CRITERIA, ELIGIBLE, Candidates
from ticketing.journal.findings import Findings
from ticketing.journal.workbench import Workbench
from ticketing.mask import Mask
from ticketing.pruning.lamp import lamp
from ticketing.pruning.sample_gradients import gradients_at
from ticketing.recipe import Iterative
from ticketing.recipe.masking import CROWDED
from ticketing.seeds import derive


@dataclass(frozen=True)
class Scores:
    """Of all prunable parameters at one level of one replicate."""

    of: Mapping[str, Float[Tensor, "..."]]
    """Higher stays."""
    ties: int | None
    """Seed of the draw among equals; None keeps the earlier."""
    eligible: Mapping[str, Bool[Tensor, "..."]] | None
    """Those the criterion puts first; None where it treats all alike."""

    def ineligible_in(self, mask: Mask) -> int | None:
        """Count the entries of a mask that the criterion puts last; None where it puts none last."""
        if self.eligible is None:
            return None
        return sum(int((kept & ~self.eligible[name]).sum()) for name, kept in mask.items())


def scored(bench: Workbench, found: Findings, replicate: int, level: int, *, after: int | None = None) -> Scores:
    """Score the candidates of a level by what the one it is cut from held before and after training.

    That one is `after`, the level before when left out.
    """
    after = level - 1 if after is None else after
    recipe = bench.recipe
    within, initial = found.mask(replicate, after), found.untrained(replicate, after)

    def measure() -> dict[str, Tensor]:
        return gradients_at(
            bench.subject,
            begun(initial, found.initial_of(replicate, after)),
            bench.subject.prunable,
            data=bench.data,
            training=recipe.training,
            seed=derive(recipe.seed, replicate, "mask_noise", "examples"),
        )

    candidates = Candidates(
        within=within,
        initial=initial,
        trained=found.latest(replicate),
        seed=derive(recipe.seed, replicate, "mask_noise", level),
        measure_gradients=measure,
    )
    return scores_of(recipe, candidates, ties=derive(recipe.seed, replicate, "ties", level))


def scores_of(recipe: Iterative, candidates: Candidates, *, ties: int) -> Scores:
    """Score candidates by the criterion and scope of a recipe; `ties` seeds the draw where equals come by the thousand.

    Costs what the criterion costs.
    """
    scores = CRITERIA[recipe.criterion](candidates)
    drawn = ties if _crowded(recipe) else None
    if recipe.scope == "lamp":
        scores = lamp(scores, candidates.within, seed=drawn)
    eligible = ELIGIBLE.get(recipe.criterion)
    return Scores(scores, drawn, None if eligible is None else eligible(candidates))


def _crowded(recipe: Iterative) -> bool:
    """Say whether scores tie by the thousand: by their nature, or because the weights are constants."""
    return recipe.criterion in CROWDED or recipe.kept in ("constant", "constant_random_sign")

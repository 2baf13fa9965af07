"""When one training prunes and what it keeps then, and what such a search cannot be asked for; loads no torch.

Zhu & Gupta 2017 (arXiv 1710.01878), equation 1, with t in {t_0, t_0 + dt, ..., t_0 + n dt}:

    s_t = s_f + (s_i - s_f) (1 - (t - t_0) / (n dt))^3
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from ticketing.errors import Fault, RecipeError
from ticketing.ladder.schedule import round_half_up
from ticketing.plans.learning_rates import learning_rates
from ticketing.recipe import AnyRecipe, Gradual, Iterative
from ticketing.recipe.masking import CRITERION_WORDS, OF_WEIGHTS
from ticketing.step import Step

MOST_PRUNINGS = 1000
"""Of one training; the paper finds no difference between a pruning each 100 and each 1,000 updates."""
LOW_RATE = 0.01
"""Share of the full learning rate; the paper finds that pruning at a very small rate is hard to recover from."""
DECIDED_BEFORE_TRAINING = ("large_init", "small_init", "snip", "gradient")
"""Criteria that look at w_i alone: nothing that a training does would change which entries go."""


@dataclass(frozen=True)
class Prunings:
    """The updates after which a training prunes; `begin` is t_0, at which s_i = 0 removes nothing."""

    begin: int
    end: int
    every: int

    @property
    def steps(self) -> tuple[int, ...]:
        """All of them, rising; the last interval is a shorter one where `every` does not divide the way."""
        return (*range(self.begin + self.every, self.end, self.every), self.end)

    def sparsity(self, step: int, *, initial: Fraction = Fraction(0), final: Fraction) -> Fraction:
        """Give s_t, exactly: `initial` up to `begin`, `final` from `end` on."""
        passed = Fraction(min(max(step, self.begin), self.end) - self.begin, self.end - self.begin)
        return final + (initial - final) * (1 - passed) ** 3

    def counts(self, step: int, *, dense: Mapping[str, int], final: Mapping[str, int]) -> dict[str, int]:
        """Say what every competition group keeps after `step` updates: its own share of s_t, rounded half up.

        Args:
            step: Of the training.
            dense: Entries per group.
            final: Entries each keeps from `end` on, met exactly.
        """
        of = {group: Fraction(total - final[group], total) if total else Fraction(0) for group, total in dense.items()}
        return {
            group: total - round_half_up(total * self.sparsity(step, final=of[group])) for group, total in dense.items()
        }

    def as_json(self, dense: Mapping[str, int], final: Mapping[str, int]) -> dict[str, Any]:
        """Write it as the plan holds it: moments, and after every pruning what is kept of all groups together."""
        total = sum(dense.values())
        kept = {step: sum(self.counts(step, dense=dense, final=final).values()) for step in self.steps}
        made = [{"step": step, "kept": count, "sparsity": 1 - count / total} for step, count in kept.items()]
        return asdict(self) | {"prunings": made}


def prunes_on_the_way(recipe: AnyRecipe) -> bool:
    """Say whether level 1 is a training that prunes while it goes on."""
    return isinstance(recipe, Iterative) and recipe.schedule_of_pruning == "gradual"


def prunings_of(recipe: Iterative, per_epoch: int) -> Prunings | None:
    """Read when a recipe prunes during its one training; None where it prunes between levels.

    Raises:
        RecipeError: The moments are not in their order, there are too many of them, or the rewind point is of a
            network that is no longer dense.
    """
    if recipe.schedule_of_pruning == "levels":
        return None
    assert recipe.gradual is not None  # its default is filled in with the word
    length = recipe.training.length.iterations(per_epoch)
    begin, end, every = (_update(getattr(recipe.gradual, name), length, per_epoch) for name in Gradual.model_fields)
    found = Prunings(begin, end, max(1, every))
    rewind = recipe.rewind_update(per_epoch)
    if not begin < end <= length:
        detail = f"expected an end after update {begin}, where pruning begins, and by {length}, got {end}"
        raise RecipeError(detail, [Fault("/recipe/gradual/end", "pruning_out_of_training", detail)])
    if (number := -(-(end - begin) // found.every)) > MOST_PRUNINGS:
        detail = (
            f"expected at most {MOST_PRUNINGS} prunings, got {number}: one each {found.every} of {end - begin} updates"
        )
        raise RecipeError(detail, [Fault("/recipe/gradual/every", "too_many_prunings", detail)])
    if rewind > begin:
        detail = (
            f"expected a rewind point up to update {begin}, where the network is dense, got {recipe.rewind} = {rewind}"
        )
        raise RecipeError(detail, [Fault("/recipe/rewind", "rewind_after_pruning", detail)])
    return found


def _update(moment: float | Step, length: int, per_epoch: int) -> int:
    if isinstance(moment, Step):
        return moment.iterations(per_epoch)
    return round_half_up(Fraction(str(moment)) * length)


def warnings_of_gradual(recipe: Iterative, per_epoch: int) -> list[tuple[str, str]]:
    """Warn of a last pruning that the training can hardly make up for, as (code, detail)."""
    found, length = prunings_of(recipe, per_epoch), recipe.training.length.iterations(per_epoch)
    if found is None:
        return []
    if found.end == length:
        return [
            ("little_recovery", f"the last pruning is after update {length}: no other follows, so nothing recovers")
        ]
    full, left = recipe.training.optimizer.learning_rate, learning_rates(recipe.training, per_epoch)(found.end)
    if left > LOW_RATE * full * (1 + 1e-9):  # a tenth of a tenth is above a hundredth by a bit of the float
        return []
    detail = f"after the last pruning, at update {found.end}, the learning rate is {left:.3g} of {full:g}"
    return [("little_recovery", f"{detail}: what it removes is hardly made up for; an earlier gradual.end leaves time")]


def contradictions_of_gradual(recipe: Iterative, *, at: str) -> Iterator[Fault]:
    """List what a recipe asks for that pruning during one training has no place for; `at` as in `contradictions`."""
    if recipe.schedule_of_pruning == "levels":
        if recipe.gradual is not None:
            detail = (
                "expected nothing with schedule_of_pruning levels, which prunes between trainings, got moments of one"
            )
            yield Fault(f"{at}/gradual", "needs_gradual", detail)
        return
    with_it = "with schedule_of_pruning gradual"
    if recipe.criterion in DECIDED_BEFORE_TRAINING:
        allowed = tuple(word for word in CRITERION_WORDS if word in OF_WEIGHTS.difference(DECIDED_BEFORE_TRAINING))
        detail = f"expected a criterion that looks at what is trained {with_it}, got {recipe.criterion}"
        yield Fault(f"{at}/criterion", "decided_before_training", f"{detail}, which looks at w_i alone", allowed)
    if recipe.rewind == "auto":
        detail = f"expected a step, lr or none {with_it}, got auto: no level is trained from the step it would choose"
        yield Fault(f"{at}/rewind", "needs_levels", detail)
    if recipe.pruned != "zero":
        detail = f"expected zero {with_it}, got {recipe.pruned}: entries go while they train, and no level begins anew"
        yield Fault(f"{at}/pruned", "needs_levels", detail, ("zero",))
    if recipe.level_length != "full":
        detail = f"expected full {with_it}, got {recipe.level_length}: the one training ends after its last pruning"
        yield Fault(f"{at}/level_length", "needs_levels", detail, ("full",))
    if recipe.target is not None and recipe.target.max_accuracy_drop is not None:
        detail = f"expected levels or target.sparsity {with_it}: an accuracy drop is found level by level"
        yield Fault(f"{at}/target/max_accuracy_drop", "needs_levels", detail)

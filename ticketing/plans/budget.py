"""How many levels of a ladder a budget pays, by the plan's costs, before anything runs; loads no torch.

The budget is of one search: evidence repeats that search and does not change which ticket it finds. Every level counts
as its longest, every kernel as dense: what runs is never more.
"""

from dataclasses import asdict, dataclass
from fractions import Fraction
from math import floor
from typing import Any

from ticketing.errors import Fault, RecipeError
from ticketing.folder import StartSpec
from ticketing.recipe import Iterative


@dataclass(frozen=True)
class Course:
    """What one search trains, in updates, and what an update costs."""

    before: int
    """Updates of the dense run and of what is tried to choose a rewind point; none of a fork's levels taken over."""
    level: int
    """Updates of one pruned level, at most."""
    levels: int
    """Pruned levels that it would train."""
    flops: int
    """Of one update."""
    samples: int
    """Of one update."""

    def cost(self, name: str, levels: int) -> int:
        """Count the `flops` or `samples` of a search that trains so many pruned levels."""
        price: int = getattr(self, name)
        return price * (self.before + levels * self.level)


def course_of(
    levels: int,
    *,
    steps: int,
    first: int,
    trained: bool,
    start: StartSpec | None,
    tried: int,
    flops: int,
    samples: int,
) -> Course:
    """Lay out the first search, the one whose ticket is delivered.

    Args:
        levels: Number of the last one.
        steps: Updates of the schedule at which a level ends at the latest.
        first: At which it begins.
        trained: Whether the weights came trained: then no dense run is made.
        start: Of a fork: its levels below were made already.
        tried: Updates made at most to choose a rewind point.
        flops: Of one update.
        samples: Of one update.
    """
    before, taken = (0 if trained else steps, 0) if start is None else (0, start.level - 1)
    return Course(before + tried, steps - first, levels - taken, flops, samples)


@dataclass(frozen=True)
class Affordable:
    """What a budget leaves of a search."""

    asked: dict[str, float]
    """The bounds, by name."""
    levels_asked: int
    """Pruned levels that one search would train; with a target of accuracy at most."""
    levels: int
    """Of them what flops and samples pay."""
    ended_by: str | None
    """The tightest of these two bounds; None where all levels fit. Seconds are known while it runs."""
    whole: dict[str, int]
    """What one search costs with all levels."""
    within: dict[str, int]
    """What it costs with those that fit."""
    repeatable: bool
    """Whether the same seed gives the same ticket: not with seconds, which depend on the machine and its load."""

    def as_json(self) -> dict[str, Any]:
        """Write it as the plan holds it."""
        return asdict(self)


def affordable(recipe: Iterative, course: Course) -> Affordable | None:
    """Say how many levels the budget of a recipe pays; None where it has none.

    Raises:
        RecipeError: Not one level fits; one fault per bound that is too small.
    """
    budget = recipe.budget
    if budget is None:
        return None
    bounds = {name: bound for name, bound in budget.given.items() if name != "seconds"}
    most = {name: _levels(course, name, bound) for name, bound in bounds.items()}
    faults = [
        Fault(
            f"/recipe/budget/{name}",
            "budget_too_small",
            f"expected {course.cost(name, 1)} {name} or more, which a search of one pruned level takes, "
            f"got {bounds[name]:.15g}",
        )
        for name, levels in most.items()
        if levels < 1
    ]
    if faults:
        raise RecipeError("; ".join(fault.detail for fault in faults), faults)
    tightest = min(most, key=lambda name: most[name], default=None)
    levels = course.levels if tightest is None else min(course.levels, most[tightest])
    return Affordable(
        asked=budget.given,
        levels_asked=course.levels,
        levels=levels,
        ended_by=tightest if levels < course.levels else None,
        whole={name: course.cost(name, course.levels) for name in ("flops", "samples")},
        within={name: course.cost(name, levels) for name in ("flops", "samples")},
        repeatable=budget.seconds is None,
    )


def _levels(course: Course, name: str, bound: float) -> int:
    return floor((Fraction(bound) - course.cost(name, 0)) / (course.cost(name, 1) - course.cost(name, 0)))


def warnings_of_budget(recipe: Iterative, found: Affordable | None, *, searches: int) -> list[tuple[str, str]]:
    """Say where a budget ends the search, what it does not bound, and that seconds cannot be repeated."""
    if found is None or recipe.budget is None:
        return []
    warnings = []
    if found.ended_by is not None:
        name = found.ended_by
        detail = (
            f"{found.asked[name]:.15g} {name} pay {found.levels} of {found.levels_asked} levels of a search; all take "
            f"{found.whole[name]}"
        )
        missed = "" if recipe.target is None else ", so the target may not be reached"
        missed += "" if recipe.block is None else f", so the structure {recipe.structure} is not reached"
        warnings.append(("budget_ends_search", f"{detail}{missed}"))
    if recipe.budget.seconds is not None:
        detail = f"{recipe.budget.seconds:g} seconds end a search by the clock: the same seed may end at another level"
        warnings.append(("budget_not_repeatable", f"{detail} on another machine, or on this one when it is busy"))
    if searches > 1 or recipe.evidence.replicates:
        beside = f"evidence walks {searches} searches" if searches > 1 else "evidence comes after the search"
        warnings.append(("budget_of_one_search", f"the budget is of one search: {beside}, and is not cut"))
    return warnings

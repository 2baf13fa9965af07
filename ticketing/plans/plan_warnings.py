"""What a reader of a plan must know before it runs, in whole sentences; plans nothing."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from ticketing.architectures import Inventory
from ticketing.folder import StartSpec
from ticketing.ladder.level_length import warnings_of_length
from ticketing.plans.agreement import remarks
from ticketing.plans.budget import Affordable, warnings_of_budget
from ticketing.plans.gradual import warnings_of_gradual
from ticketing.plans.n_of_m import warnings_of_blocks
from ticketing.plans.start import searches_of, taken_over
from ticketing.plans.suitability import warnings_of
from ticketing.recipe import Evidence, Iterative


def warnings_of_plan(
    inventory: Inventory,
    recipe: Iterative,
    rows: Sequence[Mapping[str, int]],
    *,
    answers: int,
    start: StartSpec | None,
    per_epoch: int,
    budget: Affordable | None,
) -> list[dict[str, str]]:
    """List everything a reader of the plan must know, as {code, detail}.

    Args:
        inventory: The network's layers.
        recipe: Resolved.
        rows: What every level keeps of every weight; empty where that is not known.
        answers: Of the test split: examples, times predictions of each.
        start: Of a fork.
        per_epoch: Updates in an epoch.
        budget: What it leaves of the search.
    """
    warnings = [*warnings_of_blocks(inventory, recipe)]
    if recipe.structure == "weight":
        detail = "zeros in a dense layout make a file smaller, not a network faster"
        warnings.append(("no_speedup_from_unstructured", detail))
    if recipe.removes_channels:
        warnings += _warnings_of_idle(rows)
    evidence = recipe.evidence
    warnings += warnings_of_evidence(evidence, answers=answers)
    if evidence.replicates and recipe.rewind in ("lr", "none"):
        detail = f"with rewind {recipe.rewind} the ticket goes on from trained weights; dense and reinit start over"
        asked = "dense_long" in evidence.controls
        detail += "; dense_long trains as long" if asked else "; the control dense_long is dense trained as long"
        warnings.append(("ticket_trained_longer", detail))
    warnings += warnings_of_length(recipe, per_epoch)
    warnings += warnings_of_gradual(recipe, per_epoch)
    warnings += warnings_of(recipe, inventory)
    warnings += remarks(recipe)
    warnings += warnings_of_budget(recipe, budget, searches=searches_of(recipe.evidence))
    if start is not None:
        warnings += _warnings_of_fork(recipe, start)
    return [{"code": code, "detail": detail} for code, detail in warnings]


def warnings_of_evidence(evidence: Evidence, *, answers: int) -> Iterator[tuple[str, str]]:
    """Say what evidence cannot show, whatever comes out of it, as (code, detail)."""
    if evidence.replicates < 3:
        yield "verdict_inconclusive", f"n = {evidence.replicates}: a verdict needs 3 replicates or more"
    if evidence.tolerance < 1 / answers:
        detail = f"tolerance {evidence.tolerance:g} is finer than one of {answers} test answers ({1 / answers:.4f})"
        yield "tolerance_below_resolution", detail


def _warnings_of_idle(rows: Sequence[Mapping[str, int]]) -> Iterator[tuple[str, str]]:
    idle = [level for level, (before, after) in enumerate(pairwise(rows), start=1) if before and before == after]
    if idle:
        detail = f"from level {idle[0]} on nothing more can go: {len(idle)} of {len(rows) - 1} levels train the same"
        yield "levels_remove_nothing", f"{detail} network again"


def _warnings_of_fork(recipe: Iterative, start: StartSpec) -> list[tuple[str, str]]:
    warnings, searches, shared = [], searches_of(recipe.evidence), taken_over(recipe, start)
    if shared < searches:
        detail = f"{searches - shared} of {searches} searches have no level {start.level} to start from in {start.job}"
        warnings.append(("searches_walked_anew", f"{detail}: they walk the whole ladder under this recipe"))
    if recipe.training != start.recipe.training or recipe.rewind != start.recipe.rewind:
        detail = f"levels 0 to {start.level - 1} were trained under the recipe of {start.job}, which differs"
        warnings.append(("levels_trained_differently", detail))
    return warnings

"""Chooses where kept weights restart when a recipe says `rewind: auto`: the earliest update that is stable.

An update k of the dense run is stable when two trainings from it that see the examples in another order end with no
barrier between them (`ticketing.analysis.connectivity`). The dense run is one of the two for every k; per k that is
tried one more child trains from k, as a level would: fresh optimizer, the schedule from k. Tried by binary search, for
stability grows with k; where no k is stable kept weights stay as trained (`lr`). Decided in the first search, for all.
"""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from ticketing.analysis.connectivity import STABLE_BARRIER, barrier
from ticketing.journal.reuse import Course
from ticketing.journal.structure import kept_in
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.ladder.level_length import level_length
from ticketing.mask import Mask
from ticketing.plans.candidates import earliest, rewind_candidates
from ticketing.seeds import derive
from ticketing.training.rewinding import STABILITY
from ticketing.training.trained import Trained


def choose_rewind(bench: Workbench, dense: Callable[[tuple[int, ...]], Trained]) -> None:
    """Choose, and put the choice into the journal; children that it has are not trained again.

    Args:
        bench: Of the run.
        dense: Gives the first search's dense run with the states after the updates it is told.

    Raises:
        Stopped: The observer asked to stop; the journal was saved.
        SearchError: A training diverged.
    """
    last_step = level_length(bench.recipe, bench.per_epoch).last_step
    steps = rewind_candidates(bench.plan.steps_per_training, last_step=last_step)
    trained = dense(steps)
    full = Mask.full(bench.subject.shapes)
    tried: list[dict[str, Any]] = []

    def stable(step: int) -> bool:
        tried.append(_tried(bench, 0, step, trained.captured[step], mask=full, sibling=trained))
        return bool(tried[-1]["stable"])

    first = earliest(steps, stable)
    chosen = "lr" if first is None else f"{first}it"
    told = {"chosen": chosen, "candidates": list(steps), "tried": tried, "threshold": STABLE_BARRIER, "sparse": None}
    bench.journal.record(STABILITY, told)
    for warning in warnings_of_choice(bench.journal.facts):
        bench.say("warning", **warning)
    bench.between(Where.of_search(0, 0, trained.curve[-1].step))


def lacks_sparse_check(bench: Workbench) -> bool:
    """Say whether an update was chosen that has not yet been tried on a sparse network."""
    chosen = bench.journal.facts.get(STABILITY, {"chosen": "lr"})
    return chosen["chosen"] != "lr" and chosen["sparse"] is None


def check_sparse(
    bench: Workbench, where: Where, step: int, start: Mapping[str, Tensor], *, mask: Mask, trained: Trained
) -> None:
    """Try the chosen update once more on a pruned level that is trained, and warn where it is not stable there."""
    found = _tried(bench, where.level, step, start, mask=mask, sibling=trained)
    bench.journal.facts[STABILITY]["sparse"] = found | {"level": where.level}
    for warning in warnings_of_choice(bench.journal.facts):
        bench.say("warning", **warning)


def warnings_of_choice(facts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """List what a reader must know of the choice a journal holds: none was stable, or not so when sparse."""
    chosen = facts.get(STABILITY)
    if chosen is None:
        return []
    if chosen["chosen"] == "lr":
        detail = f"no restart up to update {chosen['candidates'][-1]} is stable, so kept weights stay as trained (lr)"
        detail = f"{detail}; the ticket goes on from trained weights, dense and reinit start over"
        return [{"code": "no_stable_rewind", "detail": detail}]
    sparse = chosen["sparse"]
    if sparse is None or sparse["stable"]:
        return []
    detail = f"at level {sparse['level']} the barrier from update {sparse['step']} is {sparse['barrier']:.4f}"
    detail = f"{detail}, and stable is at most {chosen['threshold']}"
    return [{"code": "rewind_unstable_when_sparse", "detail": detail}]


def _tried(
    bench: Workbench, level: int, step: int, start: Mapping[str, Tensor], *, mask: Mask, sibling: Trained
) -> dict[str, Any]:
    """Train one more child from an update, as long as its sibling was, and measure the barrier between the two."""
    where = Where(0, "search", f"child_{step}", level)
    if not bench.passed(where):
        bench.phase("connectivity")
        seed = bench.recipe.seed
        order = derive(seed, 0, "order", "connectivity", level)
        course = Course(mask, order, first_step=step, last_step=sibling.curve[-1].step, kept=kept_in(bench, mask))
        child, result = bench.train(where, start, **vars(course))
        found = barrier(
            bench.subject.module,
            sibling.final,
            child.final,
            data=bench.data,
            seed=seed,
            precision=bench.recipe.training.precision,
        )
        bench.record(where, result, child)
        bench.journal.facts[where.piece]["barrier"] = found
        bench.between(where.at(child.curve[-1].step))
    found, updates = bench.journal.facts[where.piece]["barrier"], bench.result(where).updates
    return {"step": step, "barrier": found, "stable": found <= STABLE_BARRIER + 1e-9, "updates": updates}

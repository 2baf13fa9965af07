"""What the report says of the way a search took: target, connectivity, what was reused; draws and writes nothing."""

from collections.abc import Sequence
from typing import Any

from ticketing.journal.walk import allowed_drop, walk_of
from ticketing.journal.where import Where
from ticketing.journal.workbench import Workbench
from ticketing.training.rewinding import STABILITY


def target_of(bench: Workbench) -> dict[str, Any] | None:
    """Tell how the sparsest level within an accuracy drop was found; None where the ladder was fixed beforehand.

    The fixed ladder would have walked every rung to the first one beyond the drop, or to its last.
    """
    drop = allowed_drop(bench.recipe)
    if drop is None:
        return None
    walk = walk_of(bench)
    fixed = min(walk.within[-1] + 1, bench.plan.levels)
    return {
        "max_accuracy_drop": drop,
        "within": list(walk.within),
        "beyond": list(walk.beyond),
        "levels_trained": (trained := len(walk.levels) - 1),
        "levels_of_fixed_ladder": fixed,
        "levels_saved": fixed - trained,
    }


def connectivity_of(bench: Workbench) -> dict[str, Any] | None:
    """Tell which rewind points were tried and what that cost; None where the recipe names one."""
    chosen = bench.journal.facts.get(STABILITY)
    return None if chosen is None else {**chosen, "extra_updates": sum(tried["updates"] for tried in _tried(bench))}


def reused(bench: Workbench, certified: Sequence[Where]) -> dict[str, int]:
    """Count the trainings that would have been made twice, had not one served: a level of a search as one child of a
    rewind point that was tried, and a parent's certificate training in a fork."""
    updates = [tried["updates"] for tried in _tried(bench)]
    updates += [bench.result(where).updates for where in certified if bench.reused(where)]
    return {"reused_trainings": len(updates), "reused_updates": sum(updates)}


def _tried(bench: Workbench) -> list[dict[str, Any]]:
    """List the rewind points that this run tried, its parent's not among them."""
    chosen = bench.journal.facts.get(STABILITY)
    if chosen is None:
        return []
    tried = [] if chosen.get("inherited") else [*chosen["tried"]]
    own = chosen["sparse"] is not None and not chosen["sparse"].get("inherited")
    return [*tried, chosen["sparse"]] if own else tried

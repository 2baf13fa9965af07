"""What the report says of the way a search took: target, connectivity, what was reused; draws and writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ticketing.journal.walk import allowed_drop, ended_by, levels_paid, searches_made, walk_of
from ticketing.journal.where import Where
from ticketing.journal.workbench import Bench, Workbench
from ticketing.plans.gradual import prunings_of
from ticketing.plans.plan import Plan
from ticketing.pruning.gradual import curve_while_pruning, prunings_made
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


def gradual_of(bench: Workbench, delivered: Mapping[str, Any]) -> dict[str, Any] | None:
    """Tell how the first search pruned while it trained, and how well the network does that came of it.

    That network is what is delivered; the certificate speaks of the ticket, its entries trained from the rewind point.
    """
    prunings = prunings_of(bench.recipe, bench.per_epoch)
    if prunings is None:
        return None
    total = bench.subject.inventory.prunable_total
    results = [bench.result(Where.of_search(replicate, 1)) for replicate in range(searches_made(bench))]
    made = [{"step": at["step"], "kept": sum(at["kept"].values())} for at in prunings_made(bench, 0)]
    return {
        **asdict(prunings),
        "prunings": [at | {"sparsity": 1 - at["kept"] / total} for at in made],
        "updates": results[0].updates,
        "validation_accuracies": [result.accuracy for result in results],
        "test_accuracy": delivered["test"]["accuracy"],
        "curve_while_pruning": curve_while_pruning(bench, 0),
    }


def budget_of(bench: Workbench, cost: Mapping[str, Any]) -> dict[str, Any] | None:
    """Tell what one search could cost, what it did cost, and whether that ended it.

    Args:
        bench: Of the finished run.
        cost: Of the first search, as it ran: units that were left out were not paid.
    """
    found = bench.plan.budget if isinstance(bench.plan, Plan) else None
    if found is None:
        return None
    return {
        "asked": found["asked"],
        "levels_asked": found["levels_asked"],
        "levels": levels_paid(bench),
        "ended_by": ended_by(bench),
        "used": {
            "flops": cost["flops_executed"], "samples": cost["search_samples"], "seconds": cost["search_seconds"]
        },
        "repeatable": found["repeatable"],
    }  # fmt: skip


def connectivity_of(bench: Workbench) -> dict[str, Any] | None:
    """Tell which rewind points were tried and what that cost; None where the recipe names one."""
    chosen = bench.journal.facts.get(STABILITY)
    return None if chosen is None else {**chosen, "extra_updates": sum(tried["updates"] for tried in _tried(bench))}


def reused(bench: Bench[Any], certified: Sequence[Where]) -> dict[str, int]:
    """Count the trainings that would have been made twice, had not one served: a level of a search as one child of a
    rewind point that was tried, and a parent's certificate training in a fork."""
    updates = [tried["updates"] for tried in _tried(bench)]
    updates += [bench.result(where).updates for where in certified if bench.reused(where)]
    return {"reused_trainings": len(updates), "reused_updates": sum(updates)}


def _tried(bench: Bench[Any]) -> list[dict[str, Any]]:
    """List the rewind points that this run tried, its parent's not among them."""
    chosen = bench.journal.facts.get(STABILITY)
    if chosen is None:
        return []
    tried = [] if chosen.get("inherited") else [*chosen["tried"]]
    own = chosen["sparse"] is not None and not chosen["sparse"].get("inherited")
    return [*tried, chosen["sparse"]] if own else tried

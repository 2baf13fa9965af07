"""What `N:M` means for a recipe and for the layers of a network, before anything runs; loads no torch."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ticketing.architectures import Inventory
from ticketing.errors import Fault
from ticketing.ladder.n_of_m import divided
from ticketing.recipe import Iterative, NOfM, Rate

KERNELS = "kernels for 2:4 exist on GPUs of compute capability 8.0 and above alone, and none is used here"


def contradictions_of_blocks(recipe: Iterative, *, at: str) -> Iterator[Fault]:
    """List what a recipe asks for that blocks have no place for; `at` as in `contradictions`."""
    structure = recipe.structure
    if not isinstance(structure, NOfM):
        return
    with_it = f"with structure {structure}"
    if recipe.scope != "layerwise":
        detail = (
            f"expected layerwise {with_it}, got {recipe.scope}: every block keeps its own, and blocks do not compete"
        )
        yield Fault(f"{at}/scope", "not_with_blocks", detail, ("layerwise",))
    if recipe.target is not None:
        detail = f"expected levels {with_it}, got a target: how sparse it ends the structure says"
        yield Fault(f"{at}/target", "not_with_blocks", detail)
    if recipe.levels is not None and recipe.levels > structure.most_levels:
        detail = (
            f"expected at most {structure.most_levels} levels {with_it}, got {recipe.levels}: from {structure.block} "
            f"to {structure.kept} inputs of a block, each level removing one or more"
        )
        yield Fault(f"{at}/levels", "too_many_levels", detail)
    if recipe.schedule_of_pruning == "gradual":
        detail = f"expected levels {with_it}, got gradual: a cubic curve has other counts than whole inputs of a block"
        yield Fault(f"{at}/schedule_of_pruning", "not_with_blocks", detail, ("levels",))
    if recipe.allow_collapse:
        detail = f"expected false {with_it}, got true: every block keeps an input, so nothing can collapse"
        yield Fault(f"{at}/allow_collapse", "not_with_blocks", detail)
    yield from _rates_without_effect(recipe.rate, with_it, at=at)


def without_rates_of_blocks(preset: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a preset what has no place beside N:M: its scope, and its rates but those that exempt."""
    rate = {kind: share for kind, share in preset.get("rate", {}).items() if share == 0}
    return {field: value for field, value in preset.items() if field not in ("scope", "rate")} | {"rate": rate}


def warnings_of_blocks(inventory: Inventory, recipe: Iterative) -> Iterator[tuple[str, str]]:
    """Say where the network is no faster, what stays dense, and which controls are alike, as (code, detail)."""
    structure = recipe.structure
    if not isinstance(structure, NOfM):
        return
    yield "no_speedup_without_kernels", f"{KERNELS}: zeros in a dense layout make a file smaller, not a network faster"
    misfits = [each for each in divided(inventory, recipe) if each.misfit is not None and not each.exempt]
    if misfits:
        share = sum(each.layer.entries for each in misfits) / inventory.prunable_total
        why = "; ".join(f"{each.layer.name}: {each.reason}" for each in misfits)
        detail = f"{100 * share:.3g} % of the prunable entries stay dense with structure {structure}, {why}"
        yield "dense_beside_blocks", detail
    if {"shuffle", "random"} <= set(recipe.evidence.controls):
        detail = f"with structure {structure} shuffle and random are two draws of one kind: every block keeps its count"
        yield "controls_alike", detail


def blocks_of_plan(inventory: Inventory, recipe: Iterative, rows: Sequence[Mapping[str, int]]) -> dict[str, Any] | None:
    """Write down what a ladder of blocks does to every layer; None with any other structure.

    Args:
        inventory: The network's layers.
        recipe: Resolved.
        rows: Entries that every parameter keeps, level 0 first.
    """
    structure = recipe.structure
    if not isinstance(structure, NOfM):
        return None
    layers = divided(inventory, recipe)
    one = next(each.layer for each in layers if each.eligible)
    dense = sum(each.layer.entries for each in layers if not each.eligible)
    return {
        "structure": str(structure),
        "block": structure.block,
        "kept_of_block": [row[one.parameter] * structure.block // one.entries for row in rows],
        "dense_share": dense / inventory.prunable_total,
        "layers": [{"name": each.layer.name, "eligible": each.eligible, "reason": each.reason} for each in layers],
    }


def _rates_without_effect(rate: Rate, with_it: str, *, at: str) -> Iterator[Fault]:
    own = Rate.model_fields["default"].default
    for name, share in rate.others(than=own):
        detail = f"expected 0, which exempts, or the default {own:g} {with_it}, got {share:g}: N and M say how many go"
        yield Fault(f"{at}/rate/{name}", "not_with_blocks", detail)

"""What removing whole channels will leave of a network, level by level; arithmetic alone, loads no torch.

Which channels there are is known where the network is built: a plan made without it has the shares alone.
"""

from fractions import Fraction
from typing import Any

from ticketing.architectures import Inventory
from ticketing.errors import Fault, RecipeError
from ticketing.folder import StartSpec
from ticketing.ladder.channels import ChannelSets, channel_counts, exempt, makers
from ticketing.plans.early_bird import norms_missing
from ticketing.plans.start import recipe_of_level
from ticketing.plans.suitability import refuse_as_large_as_dense
from ticketing.recipe import Iterative
from ticketing.recipe.masking import CRITERION_WORDS, OF_CHANNELS


def channels_of_plan(
    inventory: Inventory, recipe: Iterative, start: StartSpec | None, sets: ChannelSets | None, *, levels: int
) -> dict[str, Any] | None:
    """Say which channels compete and how many of them every level keeps; None where single entries are removed.

    Args:
        inventory: The network's layers.
        recipe: Resolved.
        start: Of a fork.
        sets: The channels of the network; None where they are not known.
        levels: Number of the last one.

    Raises:
        RecipeError: The criterion has nothing to score some of them by.
    """
    if not recipe.removes_channels:
        return None
    _refuse_without_norms(inventory, recipe, sets)
    refuse_as_large_as_dense(inventory, recipe.target)
    if sets is None:
        rates = [recipe_of_level(level, recipe, start).rate.default for level in range(1, levels + 1)]
        rows = [{"level": 0, "channel_sparsity": 0.0, "kept": None}]
        left = Fraction(1)
        for level, rate in enumerate(rates, 1):
            left *= 1 - Fraction(str(rate))
            share = float(1 - left) if recipe.round_to == 1 else None
            rows.append({"level": level, "channel_sparsity": share, "kept": None})
        return {"total": None, "levels": rows, "sets": None, "stays": None}
    counts = channel_counts(inventory, recipe, sets, start)[: levels + 1]
    total = sum(counts[0])
    return {
        "total": total,
        "levels": [
            {"level": level, "channel_sparsity": (total - sum(row)) / total, "kept": sum(row)}
            for level, row in enumerate(counts)
        ],
        "sets": [
            {"layers": [layer.name for layer in makers(alike, inventory)], "kept": [row[number] for row in counts]}
            for number, alike in enumerate(sets.sets)
        ],
        "stays": dict(sets.stays),
    }


def _refuse_without_norms(inventory: Inventory, recipe: Iterative, sets: ChannelSets | None) -> None:
    """Refuse to go by the scales of norms where no norm scales a set of channels."""
    if recipe.criterion != "norm_scale":
        return
    detail = norms_missing(inventory)
    norms = {(layer.parameter, 0) for layer in inventory.layers if layer.kind == "norm"}
    bare = [] if sets is None else [alike for alike in sets.sets if not norms & alike.places.keys()]
    bare = [alike for alike in bare if not exempt(alike, inventory, recipe)]
    if bare and detail is None:
        names = sorted({layer.name for alike in bare for layer in makers(alike, inventory)})
        detail = (
            f"expected a network in which a norm scales every channel that competes, got none of {', '.join(names)}"
        )
    if detail is not None:
        allowed = tuple(word for word in CRITERION_WORDS if word in OF_CHANNELS - {"norm_scale"})
        raise RecipeError(detail, [Fault("/recipe/criterion", "norms_missing", detail, allowed)])

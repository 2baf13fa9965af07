"""How many entries every competition group keeps at every level of a ladder; knows no scores and no tensors."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise

from ticketing.architectures import Inventory, Layer
from ticketing.errors import CountError, Fault, RecipeError
from ticketing.folder import StartSpec
from ticketing.ladder.channels import ChannelSets, channel_counts, entries_left
from ticketing.ladder.erk import erk_ladder
from ticketing.ladder.n_of_m import refuse_other_structure, rows_in_blocks
from ticketing.ladder.schedule import kept_at, ladders
from ticketing.recipe import MOST_LEVELS, Iterative


def groups(inventory: Inventory, recipe: Iterative) -> dict[str, tuple[str, ...]]:
    """Say which parameters compete with each other: every one alone (layerwise, erk), or all (global, lamp).

    Under `global` and `lamp` a parameter whose rate is 0 is exempt: a group of its own that keeps everything.
    """
    if recipe.scope in ("layerwise", "erk"):
        return {layer.parameter: (layer.parameter,) for layer in inventory.prunable}
    exempt = _exempt(inventory, recipe)
    competing = tuple(layer.parameter for layer in inventory.prunable if layer.parameter not in exempt)
    return ({"global": competing} if competing else {}) | {name: (name,) for name in sorted(exempt)}


def kept_counts(
    inventory: Inventory, recipe: Iterative, start: StartSpec | None = None, sets: ChannelSets | None = None
) -> list[dict[str, int]]:
    """List what every competition group keeps at every level, level 0 first.

    A fork's rows up to the level it starts from are its parent's; from there its own rates and target go on. A network
    that is pruned gradually has two: dense, and what the last of these levels would keep. Where channels are removed
    and it is not known which ones can be (`sets` is None), the rows are empty, and as many as there are at most.

    Raises:
        RecipeError: A level would leave a group with nothing (unless `allow_collapse`), the target is out of reach,
            a glob of the rates matches no layer, or the ladder cannot go on from the parent's counts or structure.
    """
    _refuse_globs_of_nothing(inventory, recipe)
    if start is not None:
        refuse_other_structure(inventory, recipe, start)
    if recipe.removes_channels:
        _refuse_end_before([{}], recipe, start)
        if sets is None:
            return [{} for _ in range((recipe.levels or MOST_LEVELS) + 1)]
        return [entries_left(inventory, sets, counts) for counts in channel_counts(inventory, recipe, sets, start)]
    members = groups(inventory, recipe)
    rows = [_sizes(inventory, members)] if start is None else _taken_over(inventory, recipe, start)
    _refuse_end_before(rows, recipe, start)
    if recipe.block is not None:
        return rows + rows_in_blocks(inventory, recipe, rows)
    sparsity = recipe.target.sparsity if recipe.target else None
    to_a_drop = recipe.target is not None and sparsity is None
    levels = MOST_LEVELS if to_a_drop else None if recipe.levels is None else recipe.levels - (len(rows) - 1)
    try:
        rows += _further(inventory, recipe, rows[-1], levels=levels, sparsity=sparsity, of=sum(rows[0].values()))
    except CountError as error:
        raise RecipeError(str(error), [Fault("/recipe/rate", "target_out_of_reach", str(error))]) from None
    if to_a_drop:
        return _as_far_as_rates_go(rows, recipe)
    if len(rows) == 1:
        detail = f"expected a sparsity that removes an entry, but {sparsity:g} of {sum(rows[0].values())} removes none"
        raise RecipeError(detail, [Fault("/recipe/target/sparsity", "removes_nothing", detail)])
    if not recipe.allow_collapse:
        _refuse_collapse(rows, recipe)
    return rows if recipe.schedule_of_pruning == "levels" else [rows[0], rows[-1]]


def _as_far_as_rates_go(rows: list[dict[str, int]], recipe: Iterative) -> list[dict[str, int]]:
    """Give a ladder whose end is found while walking it as far as a level removes something and empties nothing."""
    ends = (
        level
        for level, (before, after) in enumerate(pairwise(rows), start=1)
        if after == before or (not recipe.allow_collapse and 0 in after.values())
    )
    end = next(ends, len(rows))
    if end == 1:
        detail = "expected rates that remove an entry and leave every layer one, but the first level already does not"
        raise RecipeError(detail, [Fault("/recipe/rate", "target_out_of_reach", detail)])
    return rows[:end]


def _sizes(inventory: Inventory, members: Mapping[str, Sequence[str]]) -> dict[str, int]:
    entries = {layer.parameter: layer.entries for layer in inventory.prunable}
    return {group: sum(entries[name] for name in names) for group, names in members.items()}


def _further(
    inventory: Inventory,
    recipe: Iterative,
    before: dict[str, int],
    *,
    levels: int | None,
    sparsity: float | None,
    of: int,
) -> list[dict[str, int]]:
    """List the rows after `before`."""
    layers = {layer.parameter: layer for layer in inventory.prunable}
    if recipe.scope == "erk":
        shapes, exempt = {name: layer.weight for name, layer in layers.items()}, frozenset(_exempt(inventory, recipe))
        rate = recipe.rate.default
        return erk_ladder(before, shapes, rate=rate, exempt=exempt, levels=levels, sparsity=sparsity, of=of)[1:]
    first = {group: layers[names[0]] for group, names in groups(inventory, recipe).items()}
    rates = {group: _rate(layer, recipe) for group, layer in first.items()}
    return ladders(before, rates, levels=levels, sparsity=sparsity, of=of)[1:]


def _rate(layer: Layer, recipe: Iterative) -> float:
    return recipe.rate.of_layer(layer.name, layer.rate_kind)


def _exempt(inventory: Inventory, recipe: Iterative) -> set[str]:
    return {layer.parameter for layer in inventory.prunable if _rate(layer, recipe) == 0}


def _refuse_globs_of_nothing(inventory: Inventory, recipe: Iterative) -> None:
    names = [layer.name for layer in inventory.prunable]
    unmatched = [glob for glob in recipe.rate.by_name if not any(fnmatchcase(name, glob) for name in names)]
    faults = [
        Fault(
            f"/recipe/rate/by_name/{glob.replace('~', '~0').replace('/', '~1')}",
            "matches_no_layer",
            f"expected a glob that matches a prunable layer, got {glob!r}, which matches none",
            tuple(names),
        )
        for glob in unmatched
    ]
    if faults:
        raise RecipeError("; ".join(fault.detail for fault in faults), faults)


def _taken_over(inventory: Inventory, recipe: Iterative, start: StartSpec) -> list[dict[str, int]]:
    """Give the parent's rows up to the level a fork starts from, counted by the fork's own groups."""
    members, theirs = groups(inventory, recipe), groups(inventory, start.recipe)
    rows = kept_counts(inventory, start.recipe, start.start)
    if start.level >= len(rows):
        detail = f"expected a level from 1 to {len(rows) - 1}, where the ladder of {start.job} ends, got {start.level}"
        raise RecipeError(detail, [Fault("/from_level", "no_such_level", detail)])
    made_of = {group: [own for own in theirs if set(theirs[own]) <= set(names)] for group, names in members.items()}
    split = [g for g, names in members.items() if sum(len(theirs[own]) for own in made_of[g]) != len(names)]
    if split:
        # Under `global` only the masks tell what one layer kept, and another replicate's mask tells otherwise.
        detail = f"expected groups made of whole groups of {start.job}, whose counts are known, got {split} apart"
        pointer = "/recipe/rate" if recipe.scope == start.recipe.scope else "/recipe/scope"
        raise RecipeError(detail, [Fault(pointer, "counts_unknown", detail)])
    return [{g: sum(row[own] for own in made_of[g]) for g in members} for row in rows[: start.level + 1]]


def _refuse_end_before(rows: Sequence[Mapping[str, int]], recipe: Iterative, start: StartSpec | None) -> None:
    """Refuse a ladder that ends before the level it starts from."""
    if start is None:
        return
    kept, total = sum(rows[-1].values()), sum(rows[0].values())
    if recipe.levels is not None and recipe.levels < start.level:
        detail = f"expected {start.level} levels or more, as many as are taken over, got {recipe.levels}"
        raise RecipeError(detail, [Fault("/recipe/levels", "before_start", detail)])
    if recipe.target and recipe.target.sparsity and kept_at(total, recipe.target.sparsity) > kept:
        detail = f"expected {1 - kept / total:.6f} or more, where level {start.level} is, got {recipe.target.sparsity}"
        raise RecipeError(detail, [Fault("/recipe/target/sparsity", "before_start", detail)])


def _refuse_collapse(rows: Sequence[Mapping[str, int]], recipe: Iterative) -> None:
    for level, row in enumerate(rows):
        empty = [group for group, kept in row.items() if kept == 0]
        if empty:
            pointer = "/recipe/target/sparsity" if recipe.target else "/recipe/levels"
            detail = f"expected every layer to keep an entry, but level {level} of {len(rows) - 1} empties {empty}"
            raise RecipeError(detail, [Fault(pointer, "collapse", detail)])

"""What a recipe will do to a network, before anything runs: ladder, updates, cost, warnings; arithmetic alone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ticketing.architectures import Inventory, Layer
from ticketing.errors import CountError, Fault, RecipeError
from ticketing.recipe import Recipe
from ticketing.schedule import ladders
from ticketing.step import Step, iterations_per_epoch

# Forward and backward cost three forwards; a multiply-add is two operations.
FLOPS_PER_MULTIPLY_ADD = 6
# One core of an AVX-512 server processor, measured on LeNet-300-100 and ResNet-20 (docs/evidence.md).
CPU_FLOPS_PER_SECOND = {"fp32": 80e9, "bf16": 200e9}
CPU_SECONDS_PER_UPDATE = 2e-4


def groups(inventory: Inventory, recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """Say which parameters compete with each other: every one alone (layerwise), or all in `global`.

    Under `global` a parameter whose kind has rate 0 is exempt: a group of its own that keeps everything.
    """
    if recipe.scope == "layerwise":
        return {layer.parameter: (layer.parameter,) for layer in inventory.prunable}
    exempt = {layer.parameter for layer in inventory.prunable if recipe.rate.of(layer.rate_kind) == 0}
    competing = tuple(layer.parameter for layer in inventory.prunable if layer.parameter not in exempt)
    return ({"global": competing} if competing else {}) | {name: (name,) for name in sorted(exempt)}


def kept_counts(inventory: Inventory, recipe: Recipe) -> list[dict[str, int]]:
    """List what every competition group keeps at every level, level 0 first.

    Raises:
        RecipeError: A level would leave a group with nothing (unless `allow_collapse`), or the target is out of reach.
    """
    by_parameter = {layer.parameter: layer for layer in inventory.prunable}
    members = groups(inventory, recipe)
    sizes = {group: sum(by_parameter[name].entries for name in names) for group, names in members.items()}
    rates = {group: _rate(by_parameter, names, recipe) for group, names in members.items()}
    sparsity = recipe.target.sparsity if recipe.target else None
    try:
        rows = ladders(sizes, rates, levels=recipe.levels, sparsity=sparsity)
    except CountError as error:
        raise RecipeError(str(error), [Fault("/recipe/rate", "target_out_of_reach", str(error))]) from None
    if len(rows) == 1:
        detail = f"expected a sparsity that removes an entry, but {sparsity:g} of {sum(sizes.values())} removes none"
        raise RecipeError(detail, [Fault("/recipe/target/sparsity", "removes_nothing", detail)])
    if not recipe.allow_collapse:
        _refuse_collapse(rows, recipe)
    return rows


def _rate(by_parameter: Mapping[str, Layer], names: tuple[str, ...], recipe: Recipe) -> float:
    return recipe.rate.of(by_parameter[names[0]].rate_kind)


def _refuse_collapse(rows: list[dict[str, int]], recipe: Recipe) -> None:
    for level, row in enumerate(rows):
        empty = [group for group, kept in row.items() if kept == 0]
        if empty:
            pointer = "/recipe/target/sparsity" if recipe.target else "/recipe/levels"
            detail = f"expected every layer to keep an entry, but level {level} of {len(rows) - 1} empties {empty}"
            raise RecipeError(detail, [Fault(pointer, "collapse", detail)])


@dataclass(frozen=True)
class Plan:
    """What will be run and what it costs."""

    layers: list[dict[str, Any]]
    ladder: list[dict[str, Any]]
    levels: int
    steps_per_epoch: int
    steps_per_training: int
    trainings: int
    updates: int
    """Of all trainings together."""
    training_flops: int
    """Of all trainings, dense kernels; a multiply-add counts as two."""
    estimated_seconds: dict[str, float | None]
    """Per device kind; None where no rate was measured."""
    test_resolution: float
    """The smallest accuracy difference (fraction) the test split can show."""
    warnings: list[dict[str, str]]
    resolved_recipe: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Give the plan as the API answers it."""
        return asdict(self)


def plan(inventory: Inventory, recipe: Recipe, *, train: int, test: int, trained: bool = False) -> Plan:
    """Lay out a run: which levels with how many entries, how many trainings and updates, at what cost.

    Args:
        inventory: The network's layers.
        recipe: Resolved.
        train: Examples that weights are fitted on, validation taken away.
        test: Examples of the test split as it will be used.
        trained: Whether the weights came trained: they are the dense run, and level 0 makes no update.

    Raises:
        RecipeError: The ladder cannot be walked, or rewind and milestones lie outside the training.
    """
    rows = kept_counts(inventory, recipe)
    per_epoch = iterations_per_epoch(train, recipe.training.batch_size)
    steps = recipe.training.length.iterations(per_epoch)
    start = rewind_step(recipe, per_epoch)
    updates, trainings = _updates(recipe, levels=len(rows) - 1, steps=steps, start=start, trained=trained)
    flops_per_update = FLOPS_PER_MULTIPLY_ADD * inventory.multiply_adds * recipe.training.batch_size
    rate = CPU_FLOPS_PER_SECOND[recipe.training.precision]
    seconds = updates * (flops_per_update / rate + CPU_SECONDS_PER_UPDATE)
    total = inventory.prunable_total
    return Plan(
        layers=[
            {"name": layer.name, "kind": layer.rate_kind, "shape": list(layer.weight), "entries": layer.entries}
            for layer in inventory.prunable
        ],
        ladder=[
            {"level": level, "kept": (kept := sum(row.values())), "sparsity": 1 - kept / total, "groups": row}
            for level, row in enumerate(rows)
        ],
        levels=len(rows) - 1,
        steps_per_epoch=per_epoch,
        steps_per_training=steps,
        trainings=trainings,
        updates=updates,
        training_flops=updates * flops_per_update,
        estimated_seconds={"cpu": round(seconds, 1), "gpu": None},
        test_resolution=1 / test,
        warnings=_warnings(recipe, test=test),
        resolved_recipe=recipe.model_dump(mode="json"),
    )


def rewind_step(recipe: Recipe, per_epoch: int) -> int:
    """Say at which update of the dense run the kept weights restart; 0 for `lr` and `none`.

    Raises:
        RecipeError: The rewind point is not before the end of the training.
    """
    if not isinstance(recipe.rewind, Step):
        return 0
    steps, start = recipe.training.length.iterations(per_epoch), recipe.rewind.iterations(per_epoch)
    if start >= steps:
        detail = f"expected a rewind point before update {steps}, where training ends, got {recipe.rewind} = {start}"
        raise RecipeError(detail, [Fault("/recipe/rewind", "rewind_after_end", detail)])
    return start


def _updates(recipe: Recipe, *, levels: int, steps: int, start: int, trained: bool) -> tuple[int, int]:
    """Count (updates, trainings): the ladder of every search, then dense, tickets and controls of every replicate."""
    evidence = recipe.evidence
    searches = max(1, evidence.replicates if evidence.replicates_of == "search" else 1)
    judged = levels if evidence.levels == "all" else 1
    short, full = steps - start, steps
    ladder = (0 if trained else full) + levels * short
    branches = full + judged * (short + sum(full if control == "reinit" else short for control in evidence.controls))
    updates = searches * ladder + evidence.replicates * branches
    trainings = searches * (levels + (not trained)) + evidence.replicates * (1 + judged * (1 + len(evidence.controls)))
    return updates, trainings


def _warnings(recipe: Recipe, *, test: int) -> list[dict[str, str]]:
    warnings = [("no_speedup_from_unstructured", "zeros in a dense layout make a file smaller, not a network faster")]
    evidence = recipe.evidence
    if evidence.replicates < 3:
        warnings.append(("verdict_inconclusive", f"n = {evidence.replicates}: a verdict needs 3 replicates or more"))
    if evidence.tolerance < 1 / test:
        detail = f"tolerance {evidence.tolerance:g} is finer than one of {test} test examples ({1 / test:.4f})"
        warnings.append(("tolerance_below_resolution", detail))
    if evidence.replicates and not isinstance(recipe.rewind, Step):
        detail = f"with rewind {recipe.rewind} the ticket goes on from trained weights; dense and reinit start over"
        warnings.append(("ticket_trained_longer", detail))
    return [{"code": code, "detail": detail} for code, detail in warnings]

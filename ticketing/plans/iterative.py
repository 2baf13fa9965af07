"""What a recipe of the iterative search will do to a network, before anything runs; arithmetic alone."""

from typing import Any

from ticketing.architectures import Inventory
from ticketing.errors import Fault, RecipeError
from ticketing.folder import StartSpec
from ticketing.ladder.channels import ChannelSets
from ticketing.ladder.counts import kept_counts
from ticketing.ladder.level_length import level_length
from ticketing.plans.agreement import refuse_levels_beyond
from ticketing.plans.budget import Affordable, affordable, course_of
from ticketing.plans.candidates import tried_at_most
from ticketing.plans.certificate import CertificatePlan
from ticketing.plans.channels import channels_of_plan
from ticketing.plans.costs import cpu_seconds, update_flops
from ticketing.plans.gradual import prunings_of
from ticketing.plans.inheritable import check_start
from ticketing.plans.n_of_m import blocks_of_plan
from ticketing.plans.narrowing import narrowed, parameters_with
from ticketing.plans.plan import Plan
from ticketing.plans.plan_warnings import warnings_of_plan
from ticketing.plans.suitability import check_schedule
from ticketing.plans.work import Work, of_certificate, of_ladder, of_later_looks, of_searches
from ticketing.recipe import Iterative
from ticketing.step import iterations_per_epoch


def plan(
    inventory: Inventory,
    recipe: Iterative,
    *,
    train: int,
    test: int,
    trained: bool = False,
    start: StartSpec | None = None,
    sets: ChannelSets | None = None,
) -> Plan:
    """Lay out a run: which levels with how many entries, how many trainings and updates, at what cost.

    Args:
        inventory: The network's layers.
        recipe: Resolved.
        train: Examples that weights are fitted on, validation taken away.
        test: Examples of the test split as it will be used.
        trained: Whether the weights came trained: they are the dense run, and level 0 makes no update.
        start: Of a fork: levels that are taken over cost nothing and are in the ladder all the same.
        sets: Where channels are removed, those of the network; None where it is not built.

    Raises:
        RecipeError: The ladder cannot be walked, rewind or warm-up lie outside the training, a fork asks for what
            its parent does not have, or the budget does not pay one level.
    """
    if start is not None:
        check_start(recipe, start, train=train)
    rows = kept_counts(inventory, recipe, start, sets)
    per_epoch = iterations_per_epoch(train, recipe.training.batch_size)
    check_schedule(recipe.training, per_epoch)
    steps = recipe.training.length.iterations(per_epoch)
    first = rewind_step(recipe, per_epoch)
    length, prunings = level_length(recipe, per_epoch), prunings_of(recipe, per_epoch)
    # A training that prunes begins at the dense network, wherever its ticket is rewound to.
    walk: dict[str, Any] = {"first": 0 if prunings else first, "trained": trained, "start": start}
    extra = tried_at_most(recipe, steps=steps, last_step=length.last_step, fork=start is not None)
    open_end = _has_open_end(recipe, sets)
    batch = min(recipe.training.batch_size, train)
    one: dict[str, Any] = {"samples": batch, "flops": update_flops(inventory.multiply_adds, batch)}
    budget = affordable(recipe, course_of(len(rows) - 1, steps=length.last_step, tried=extra[0], **walk, **one))
    levels = len(rows) - 1 - (budget.levels_asked - budget.levels if budget else 0)
    # Where the ladder may end at any rung, a budget counts trainings.
    rows = rows if open_end else rows[: levels + 1]
    _check_narrowing(inventory, recipe, rows)
    refuse_levels_beyond(recipe, levels)
    searched, at_full_length = (
        of_searches(recipe, levels=levels, steps=of, **walk) for of in (length.last_step, steps)
    )
    certificate = CertificatePlan(inventory, recipe, rows, steps, first, train=train, trained=trained, start=start)
    ladder = of_ladder(levels, length.last_step, walk["first"], trained)
    grown = of_later_looks(recipe, certificate, ladder=ladder, last=levels)
    search = searched.plus(extra)
    least = search.plus(of_certificate(recipe, certificate, levels=levels))
    most = least.plus(grown)
    flops = update_flops(inventory.multiply_adds, recipe.training.batch_size)
    seconds = cpu_seconds(most.updates * flops, most.updates, recipe.training.precision)
    return Plan(
        layers=[
            {"name": layer.name, "kind": layer.rate_kind, "shape": list(layer.weight), "entries": layer.entries}
            for layer in inventory.prunable
        ],
        ladder=[_rung(level, row, total=inventory.prunable_total) for level, row in enumerate(rows)],
        levels=len(rows) - 1,
        steps_per_epoch=per_epoch,
        steps_per_training=steps,
        trainings=most.trainings,
        updates=most.updates,
        training_flops=most.updates * flops,
        search={
            "trainings": search.trainings,
            "updates": search.updates,
            "flops": search.updates * flops,
            "connectivity_updates": extra[0],
            "updates_at_full_length": at_full_length.updates,
            "flops_at_full_length": at_full_length.updates * flops,
        },
        at_most=grown != Work(0, 0)
        or length.patience is not None
        or _may_end_sooner(recipe, certificate, budget, open_end=open_end),
        estimated_seconds={"cpu": seconds, "gpu": None},
        test_resolution=1 / (test * inventory.predictions),
        warnings=warnings_of_plan(
            inventory,
            recipe,
            rows,
            answers=test * inventory.predictions,
            start=start,
            per_epoch=per_epoch,
            budget=budget,
        ),
        at_least=None if grown == Work(0, 0) else {"trainings": least.trainings, "updates": least.updates},
        start=_start(start),
        gradual=None if prunings is None else prunings.as_json(*rows),
        structure=blocks_of_plan(inventory, recipe, rows),
        channels=channels_of_plan(inventory, recipe, start, sets, levels=len(rows) - 1),
        budget=None if budget is None else budget.as_json(),
        resolved_recipe=recipe.model_dump(mode="json"),
    )


def _rung(level: int, row: dict[str, int], *, total: int) -> dict[str, Any]:
    """Say what a level keeps; nothing where that is not known before the network is built."""
    if not row:
        return {"level": level, "kept": None, "sparsity": None, "groups": None}
    kept = sum(row.values())
    return {"level": level, "kept": kept, "sparsity": 1 - kept / total, "groups": row}


def rewind_step(recipe: Iterative, per_epoch: int) -> int:
    """Say at which update of the dense run the kept weights restart; 0 for `lr` and `none`.

    Raises:
        RecipeError: The rewind point is not before the end of the training.
    """
    steps, start = level_length(recipe, per_epoch).last_step, recipe.rewind_update(per_epoch)
    if start and start >= steps:
        detail = f"expected a rewind point before update {steps}, where a level ends, got {recipe.rewind} = {start}"
        raise RecipeError(detail, [Fault("/recipe/rewind", "rewind_after_end", detail)])
    return start


def _has_open_end(recipe: Iterative, sets: ChannelSets | None) -> bool:
    """Say whether the ladder may end at any rung: where an accuracy is lost, or a slim network is not measured yet."""
    target = recipe.target
    if target is None:
        return False
    if target.of_slim is not None:
        return sets is None or sets.end is None
    return target.max_accuracy_drop is not None


def _may_end_sooner(
    recipe: Iterative, certificate: CertificatePlan, budget: Affordable | None, *, open_end: bool
) -> bool:
    """Say whether what the run finds decides how much it trains."""
    unforeseen = open_end or recipe.rewind == "auto" or (budget is not None and not budget.repeatable)
    return unforeseen or certificate.start is not None or certificate.at_most


def _start(start: StartSpec | None) -> dict[str, Any] | None:
    return None if start is None else start.model_dump(mode="json", include={"job", "level", "sha256", "searches"})


def _check_narrowing(inventory: Inventory, recipe: Iterative, rows: list[dict[str, int]]) -> None:
    """Refuse `small_dense` where the network cannot be made as small as the sparsest ticket."""
    if recipe.evidence.replicates and "small_dense" in recipe.evidence.controls:
        narrowed(inventory, parameters_with(inventory, sum(rows[-1].values())))

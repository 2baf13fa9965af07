"""What a recipe will do to a network, before anything runs: ladder, updates, cost, warnings; arithmetic alone."""

from dataclasses import asdict, dataclass
from typing import Any

from ticketing.architectures import Inventory
from ticketing.errors import Fault, RecipeError
from ticketing.folder import StartSpec
from ticketing.ladder.counts import kept_counts
from ticketing.ladder.level_length import level_length
from ticketing.plans.agreement import refuse_levels_beyond
from ticketing.plans.budget import affordable, course_of
from ticketing.plans.candidates import tried_at_most
from ticketing.plans.certificate import CertificatePlan
from ticketing.plans.gradual import prunings_of
from ticketing.plans.narrowing import narrowed, parameters_with
from ticketing.plans.plan_warnings import warnings_of_plan
from ticketing.plans.start import check_start, searches_of, taken_over
from ticketing.plans.suitability import check_schedule
from ticketing.recipe import Iterative
from ticketing.step import Step, iterations_per_epoch

# Forward and backward cost three forwards; a multiply-add is two operations.
FLOPS_PER_MULTIPLY_ADD = 6
# One core of an AVX-512 server processor, measured on LeNet-300-100 and ResNet-20 (docs/evidence.md).
CPU_FLOPS_PER_SECOND = {"fp32": 80e9, "bf16": 200e9}
CPU_SECONDS_PER_UPDATE = 2e-4

Work = tuple[int, int]
"""(updates, trainings)"""


@dataclass(frozen=True)
class Plan:
    """What will be run and what it costs."""

    layers: list[dict[str, Any]]
    ladder: list[dict[str, Any]]
    levels: int
    steps_per_epoch: int
    steps_per_training: int
    trainings: int
    """At most, where `evidence.max_replicates` lets the certificate grow; so are the costs below."""
    updates: int
    """Of all trainings together."""
    training_flops: int
    """Of all trainings, dense kernels of the whole network; a multiply-add counts as two."""
    search: dict[str, Any]
    """The part of it that is the search, beside what it were with levels of the whole length."""
    at_most: bool
    """Whether trainings, updates and cost are bounds: what the run finds may end it sooner."""
    estimated_seconds: dict[str, float | None]
    """Per device kind; None where no rate was measured."""
    test_resolution: float
    """The smallest accuracy difference (fraction) the test split can show."""
    warnings: list[dict[str, str]]
    resolved_recipe: dict[str, Any]
    at_least: dict[str, int] | None = None
    """Trainings and updates if the first look decides; None where the number of replicates is fixed."""
    start: dict[str, Any] | None = None
    """Of a fork: whose level it starts from, which, and in how many of its searches."""
    gradual: dict[str, Any] | None = None
    """Of a training that prunes on the way: after which updates, and what is kept then."""
    budget: dict[str, Any] | None = None
    """What the budget of one search leaves of it."""

    def as_json(self) -> dict[str, Any]:
        """Give the plan as the API answers it."""
        return asdict(self)


def plan(
    inventory: Inventory,
    recipe: Iterative,
    *,
    train: int,
    test: int,
    trained: bool = False,
    start: StartSpec | None = None,
) -> Plan:
    """Lay out a run: which levels with how many entries, how many trainings and updates, at what cost.

    Args:
        inventory: The network's layers.
        recipe: Resolved.
        train: Examples that weights are fitted on, validation taken away.
        test: Examples of the test split as it will be used.
        trained: Whether the weights came trained: they are the dense run, and level 0 makes no update.
        start: Of a fork: levels that are taken over cost nothing and are in the ladder all the same.

    Raises:
        RecipeError: The ladder cannot be walked, rewind or warm-up lie outside the training, a fork asks for what
            its parent does not have, or the budget does not pay one level.
    """
    rows = kept_counts(inventory, recipe, start)
    if start is not None:
        check_start(recipe, start, train=train)
    per_epoch = iterations_per_epoch(train, recipe.training.batch_size)
    check_schedule(recipe.training, per_epoch)
    steps = recipe.training.length.iterations(per_epoch)
    first = rewind_step(recipe, per_epoch)
    length, prunings = level_length(recipe, per_epoch), prunings_of(recipe, per_epoch)
    # A training that prunes begins at the dense network, wherever its ticket is rewound to.
    walk: dict[str, Any] = {"first": 0 if prunings else first, "trained": trained, "start": start}
    extra = tried_at_most(recipe, steps=steps, last_step=length.last_step, fork=start is not None)
    to_a_drop = recipe.target is not None and recipe.target.sparsity is None
    one: dict[str, Any] = {
        "samples": (batch := min(recipe.training.batch_size, train)),
        "flops": _flops(inventory, batch),
    }
    budget = affordable(recipe, course_of(len(rows) - 1, steps=length.last_step, tried=extra[0], **walk, **one))
    levels = len(rows) - 1 - (budget.levels_asked - budget.levels if budget else 0)
    # On the way to an accuracy drop a budget counts trainings: any rung may be one of them.
    rows = rows if to_a_drop else rows[: levels + 1]
    _check_narrowing(inventory, recipe, rows)
    refuse_levels_beyond(recipe, levels)
    searched, at_full_length = (_searched(recipe, levels=levels, steps=of, **walk) for of in (length.last_step, steps))
    certificate = CertificatePlan(inventory, recipe, rows, steps, first, train=train, trained=trained, start=start)
    certified = _certified(recipe, certificate, levels=levels)
    ladder = _ladder(levels, length.last_step, walk["first"], trained)
    grown = _grown(recipe, certificate, ladder=ladder, last=levels)
    least = _added(searched, extra, certified)
    updates, trainings = _added(least, grown)
    flops_per_update = _flops(inventory, recipe.training.batch_size)
    rate = CPU_FLOPS_PER_SECOND.get(recipe.training.precision)
    seconds = None if rate is None else round(updates * (flops_per_update / rate + CPU_SECONDS_PER_UPDATE), 1)
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
        search={
            "trainings": searched[1] + extra[1],
            "updates": searched[0] + extra[0],
            "flops": (searched[0] + extra[0]) * flops_per_update,
            "connectivity_updates": extra[0],
            "updates_at_full_length": at_full_length[0],
            "flops_at_full_length": at_full_length[0] * flops_per_update,
        },
        at_most=grown != (0, 0)
        or length.patience is not None
        or recipe.rewind == "auto"
        or start is not None
        or certificate.at_most
        or to_a_drop
        or (budget is not None and not budget.repeatable),
        estimated_seconds={"cpu": seconds, "gpu": None},
        test_resolution=1 / (test * inventory.predictions),
        warnings=warnings_of_plan(
            inventory,
            recipe,
            answers=test * inventory.predictions,
            start=start,
            per_epoch=per_epoch,
            budget=budget,
        ),
        at_least=None if grown == (0, 0) else {"trainings": least[1], "updates": least[0]},
        start=_start(start),
        gradual=None if prunings is None else prunings.as_json(*rows),
        budget=None if budget is None else budget.as_json(),
        resolved_recipe=recipe.model_dump(mode="json"),
    )


def rewind_step(recipe: Iterative, per_epoch: int) -> int:
    """Say at which update of the dense run the kept weights restart; 0 for `lr` and `none`.

    Raises:
        RecipeError: The rewind point is not before the end of the training.
    """
    if not isinstance(recipe.rewind, Step):
        return 0
    steps, start = level_length(recipe, per_epoch).last_step, recipe.rewind.iterations(per_epoch)
    if start >= steps:
        detail = f"expected a rewind point before update {steps}, where a level ends, got {recipe.rewind} = {start}"
        raise RecipeError(detail, [Fault("/recipe/rewind", "rewind_after_end", detail)])
    return start


def _flops(inventory: Inventory, batch_size: int) -> int:
    """Count the operations of one update."""
    return FLOPS_PER_MULTIPLY_ADD * inventory.multiply_adds * batch_size


def _start(start: StartSpec | None) -> dict[str, Any] | None:
    return None if start is None else start.model_dump(mode="json", include={"job", "level", "sha256", "searches"})


def _check_narrowing(inventory: Inventory, recipe: Iterative, rows: list[dict[str, int]]) -> None:
    """Refuse `small_dense` where the network cannot be made as small as the sparsest ticket."""
    if recipe.evidence.replicates and "small_dense" in recipe.evidence.controls:
        narrowed(inventory, parameters_with(inventory, sum(rows[-1].values())))


def _added(*counts: Work) -> Work:
    return sum(updates for updates, _ in counts), sum(trainings for _, trainings in counts)


def _ladder(levels: int, steps: int, first: int, trained: bool) -> Work:
    """Count one search from level 0 on, its levels ending at update `steps`."""
    return (0 if trained else steps) + levels * (steps - first), levels + (not trained)


def _searched(
    recipe: Iterative, *, levels: int, steps: int, first: int, trained: bool, start: StartSpec | None
) -> Work:
    """Count the ladders of all searches the run begins with, whose levels end at update `steps`."""
    shared, whole = taken_over(recipe, start), _ladder(levels, steps, first, trained)
    own = searches_of(recipe.evidence) - shared
    forked = 0 if start is None else shared * (levels + 1 - start.level)
    return own * whole[0] + forked * (steps - first), own * whole[1] + forked


def _certified(recipe: Iterative, certificate: CertificatePlan, *, levels: int) -> Work:
    """Count the certificate trainings of the first look."""
    updates, trainings = certificate.replicate(recipe.evidence.judged(range(1, levels + 1)))
    return recipe.evidence.replicates * updates, recipe.evidence.replicates * trainings


def _grown(recipe: Iterative, certificate: CertificatePlan, *, ladder: Work, last: int) -> Work:
    """Count what later looks may add: replicates of the delivered level, each with the ladder it needs."""
    more = len(recipe.evidence.looks) - 1
    walked = ladder if recipe.evidence.replicates_of == "search" else (0, 0)
    updates, trainings = _added(walked, certificate.replicate((last,)))
    return more * updates, more * trainings

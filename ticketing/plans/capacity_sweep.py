"""What a sweep over widths will do, before anything runs: widths, updates, cost, warnings; arithmetic alone."""

from dataclasses import dataclass
from math import prod
from typing import Any

from ticketing.architectures import Inventory
from ticketing.errors import Fault, RecipeError
from ticketing.ladder.regime import parameters_per_target
from ticketing.plans.costs import CPU_FLOPS_PER_SECOND, CPU_SECONDS_PER_UPDATE, cpu_seconds, update_flops
from ticketing.plans.run_plan import RunPlan
from ticketing.plans.widths import parameters_of, starts_reused, threshold_width, widths_around
from ticketing.recipe import CapacitySweep
from ticketing.step import iterations_per_epoch


@dataclass(frozen=True, kw_only=True)
class CapacityPlan(RunPlan):
    """What will be run and what it costs. A level is a width, counted from 0."""

    widths: list[dict[str, Any]]
    """`level`, `width`, `parameters`, `parameters_per_target`, `reuses_weights`."""
    threshold: dict[str, float]
    """`parameters` = n K, and the `width` that has as many."""
    examples: int
    classes: int

    @property
    def effort(self) -> float:
        """What all updates take together, in those of the widest network."""
        of_repeat = sum(self.effort_of(row["level"]) for row in self.widths)
        return of_repeat * self.steps_per_training * self.trainings / len(self.widths)

    def effort_of(self, level: int) -> float:
        """Say what an update of a width takes, in those of the widest: by its parameters, and what any takes."""
        took, most = (self._seconds(row["parameters"]) for row in (self.widths[level], self.widths[-1]))
        return took / most

    def _seconds(self, parameters: int) -> float:
        batch = min(self.resolved_recipe["training"]["batch_size"], self.examples)
        return update_flops(parameters, batch) / CPU_FLOPS_PER_SECOND["fp32"] + CPU_SECONDS_PER_UPDATE


def plan_sweep(inventory: Inventory, recipe: CapacitySweep, *, train: int, test: int) -> CapacityPlan:
    """Lay out a sweep: which widths with how many parameters, how many trainings and updates, at what cost.

    Args:
        inventory: Of the model: its inputs and classes count, its own hidden layers do not.
        recipe: Resolved.
        train: Examples of train, validation taken away.
        test: Examples of the test split.

    Raises:
        RecipeError: Train has fewer examples than are asked for.
    """
    if recipe.examples > train:
        detail = f"expected at most {train} examples, all there are beside the validation split, got {recipe.examples}"
        raise RecipeError(detail, [Fault("/recipe/examples", "too_few_examples", detail)])
    inputs, classes = prod(inventory.input_shape), inventory.classes
    shape, targets = {"inputs": inputs, "classes": classes}, recipe.examples * classes
    widths = recipe.widths or widths_around(targets, **shape)
    parameters = [parameters_of(width, **shape) for width in widths]
    per_epoch = iterations_per_epoch(recipe.examples, recipe.training.batch_size)
    steps = recipe.training.length.iterations(per_epoch)
    updates = recipe.repeats * len(widths) * steps
    multiply_adds = sum(widths) * (inputs + classes)
    batch = min(recipe.training.batch_size, recipe.examples)
    flops = recipe.repeats * steps * update_flops(multiply_adds, batch)
    reused = starts_reused(widths, targets=targets, **shape, reuse=recipe.reuse_weights)
    return CapacityPlan(
        widths=[
            {
                "level": level,
                "width": width,
                "parameters": count,
                "parameters_per_target": parameters_per_target(count, examples=recipe.examples, classes=classes),
                "reuses_weights": reuses,
            }
            for level, (width, count, reuses) in enumerate(zip(widths, parameters, reused, strict=True))
        ],
        threshold={"parameters": targets, "width": threshold_width(targets, **shape)},
        examples=recipe.examples,
        classes=classes,
        levels=len(widths) - 1,
        steps_per_epoch=per_epoch,
        steps_per_training=steps,
        trainings=recipe.repeats * len(widths),
        updates=updates,
        training_flops=flops,
        estimated_seconds={"cpu": cpu_seconds(flops, updates, recipe.training.precision), "gpu": None},
        test_resolution=1 / test,
        warnings=_warnings(recipe, most=parameters[-1], least=parameters[0], targets=targets),
        resolved_recipe=recipe.model_dump(mode="json"),
    )


def _warnings(recipe: CapacitySweep, *, most: int, least: int, targets: int) -> list[dict[str, str]]:
    warnings = []
    if recipe.loss == "mse" and most < targets:
        detail = f"the widest network has {most} parameters for {targets} targets: the threshold is not in the grid"
        warnings.append({"code": "classical_regime", "detail": detail})
    if recipe.loss == "mse" and least >= targets:
        detail = f"the narrowest network has {least} parameters for {targets} targets: the threshold is not in the grid"
        warnings.append({"code": "interpolating_regime", "detail": detail})
    if recipe.repeats < 3:
        detail = f"n = {recipe.repeats}: the spread over repeats is not known from fewer than 3"
        warnings.append({"code": "few_repeats", "detail": detail})
    return warnings

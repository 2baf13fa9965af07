"""What a recipe of the early-bird search will do to a network, before anything runs; arithmetic alone."""

from dataclasses import dataclass
from typing import Any

from ticketing.architectures import Inventory
from ticketing.errors import Fault, RecipeError, first_of
from ticketing.ladder.early_bird import distance_by_chance, earliest, uninformative
from ticketing.plans.agreement import refuse_levels_beyond
from ticketing.plans.bird_work import slim_effort, work_of_levels
from ticketing.plans.costs import cpu_seconds, update_flops
from ticketing.plans.plan_warnings import warnings_of_evidence
from ticketing.plans.run_plan import RunPlan
from ticketing.plans.start import searches_of
from ticketing.plans.suitability import check_schedule, refuse_as_large_as_dense, warnings_of
from ticketing.plans.work import Work
from ticketing.recipe.early_bird import EarlyBird
from ticketing.step import iterations_per_epoch


@dataclass(frozen=True, kw_only=True)
class EarlyBirdPlan(RunPlan):
    """What will be run and what it costs at most: when the tickets are found, only the run knows."""

    watched: list[dict[str, Any]]
    """`level`; `channel_sparsity` and `distance_by_chance`, None where a target decides the share; `updates` of all its
    trainings, and the `update_effort` of one of them."""
    earliest_epoch: int
    """At which a ticket can be found."""
    search: dict[str, int]
    """The part of it that is the search, at most: `trainings`, `updates`, `flops`; of one search `dense_updates` of
    level 0 and `slim_updates` of every other."""
    at_most: bool

    @property
    def effort(self) -> float:
        """What all updates take together, in those of the dense network."""
        spared: float = sum(row["updates"] * (1 - row["update_effort"]) for row in self.watched)
        return self.updates - spared

    @property
    def effort_of_search(self) -> float:
        """What the updates of all searches take together."""
        searches = self.search["trainings"] // (1 + self.levels)
        of_slim: float = sum(row["update_effort"] for row in self.watched)
        return searches * (self.search["dense_updates"] + of_slim * self.search["slim_updates"])

    def effort_of(self, level: int) -> float:
        """Say what an update of a level takes, in those of the dense network."""
        return float(self.watched[level - 1]["update_effort"]) if level else 1.0


def plan_early_bird(inventory: Inventory, recipe: EarlyBird, *, train: int, test: int) -> EarlyBirdPlan:
    """Lay out a run: how long the search and its slim networks train at most, at what cost.

    Args:
        inventory: The network's layers.
        recipe: Resolved.
        train: Examples that weights are fitted on, validation taken away.
        test: Examples of the test split.

    Raises:
        RecipeError: The network has no scales that could be ranked, or has no more multiply-adds than are asked for, or
            the search is too short to find a ticket.
    """
    if (missing := scales_missing(inventory)) is not None:
        raise RecipeError(missing, [Fault("/recipe/search", "norms_missing_for_early_bird", missing)])
    refuse_as_large_as_dense(inventory, recipe.target)
    per_epoch = iterations_per_epoch(train, recipe.training.batch_size)
    check_schedule(recipe.training, per_epoch)
    steps = recipe.training.length.iterations(per_epoch)
    first = earliest(recipe.rule, recipe.window)
    search = updates_of_search(recipe, per_epoch)
    levels = len(recipe.watched)
    slim = steps - (first * per_epoch if recipe.then == "continue" else 0)
    refuse_levels_beyond(recipe, levels)
    work = work_of_levels(recipe, search=search, slim=slim, steps=steps)
    updates, trainings = Work(0, 0).plus(*work)
    searched = Work(search + levels * slim, 1 + levels).times(searches_of(recipe.evidence))
    batch = min(recipe.training.batch_size, train)
    flops = updates * update_flops(inventory.multiply_adds, batch)
    return EarlyBirdPlan(
        levels=levels,
        watched=[
            {
                "level": level,
                "channel_sparsity": share,
                "distance_by_chance": share and distance_by_chance(share),
                "updates": work[level].updates,
                "update_effort": slim_effort(inventory, recipe, share),
            }
            for level, share in enumerate(recipe.watched, 1)
        ],
        earliest_epoch=first,
        steps_per_epoch=per_epoch,
        steps_per_training=steps,
        search={
            "trainings": searched.trainings,
            "updates": searched.updates,
            "flops": searched.updates * update_flops(inventory.multiply_adds, batch),
            "dense_updates": search,
            "slim_updates": slim,
        },
        trainings=trainings,
        updates=updates,
        training_flops=flops,
        at_most=True,
        estimated_seconds={"cpu": cpu_seconds(flops, updates, recipe.training.precision), "gpu": None},
        test_resolution=1 / (test * inventory.predictions),
        warnings=[{"code": code, "detail": detail} for code, detail in _warnings(recipe, inventory, test)],
        resolved_recipe=recipe.model_dump(mode="json"),
    )


def scales_missing(inventory: Inventory) -> str | None:
    """Say that a network has neither norms of each channel by itself nor attention, whose heads and units learn scales.

    What such a scale loses the next weights can gain (Liu et al. 2017, arXiv 1708.06519, section 3), so convolutions
    and perceptrons without norms are not ranked by it; of heads and units EarlyBERT does it.
    """
    attends = any(layer.kind == "attention" for layer in inventory.layers)
    return None if attends else norms_missing(inventory, what="batch norms or attention")


def norms_missing(inventory: Inventory, *, what: str = "batch norms") -> str | None:
    """Say that a network has no norms of each channel by itself, naming the layers whose channels nothing ranks."""
    if any(layer.kind == "norm" for layer in inventory.layers):
        return None
    others = [layer.name for layer in inventory.layers if layer.role != "output" and not layer.norm]
    came = f"{inventory.architecture}, where nothing scales the outputs of {first_of(others) or 'any layer'}"
    return f"expected a network with {what}, whose scales rank its channels, got {came}"


def updates_of_search(recipe: EarlyBird, per_epoch: int) -> int:
    """Count the updates of the dense search at most; where the slim network goes on from it, an epoch is left for that.

    Raises:
        RecipeError: It ends before its rule can find a ticket, or too late.
    """
    steps, first = recipe.training.length.iterations(per_epoch), earliest(recipe.rule, recipe.window)
    most = steps - (per_epoch if recipe.then == "continue" else 0)
    search = recipe.search_length.iterations(per_epoch) if recipe.search_length else most
    if not first * per_epoch <= search <= most:
        detail = (
            f"expected a search of {first} to {most // per_epoch} epochs: {recipe.rule} with a window of "
            f"{recipe.window} can find a ticket after {first} at the earliest, and the training ends after "
            f"{steps / per_epoch:g}; got {search / per_epoch:g}"
        )
        at = "search_length" if recipe.search_length else "training/length"
        raise RecipeError(detail, [Fault(f"/recipe/{at}", "search_does_not_fit", detail)])
    return search


def _warnings(recipe: EarlyBird, inventory: Inventory, test: int) -> list[tuple[str, str]]:
    warnings = [*warnings_of_evidence(recipe.evidence, answers=test * inventory.predictions)]
    warnings += warnings_of(recipe, inventory)
    for share in recipe.channel_sparsities or ():
        if uninformative(share, recipe.threshold):
            detail = (
                f"two random choices of {share:g} of the channels differ by {distance_by_chance(share):.3g}, which is "
                f"within twice the threshold {recipe.threshold:g}: a mask may settle by chance"
            )
            warnings.append(("threshold_uninformative", detail))
    if whole := _unscaled(inventory):
        detail = f"nothing scales the outputs of {first_of(whole)}: they keep all their channels"
        warnings.append(("layers_stay_whole", detail))
    return warnings


def _unscaled(inventory: Inventory) -> list[str]:
    """List the layers whose channels nothing ranks in a network with norms: fully connected ones before the last."""
    if not any(layer.kind == "norm" for layer in inventory.layers):
        return []
    return [layer.name for layer in inventory.layers if layer.kind == "linear" and layer.role != "output"]

"""The plan of a recipe, whichever search it asks for; arithmetic alone.

To add a search: its plan, and its lines here.
"""

from ticketing.architectures import Inventory
from ticketing.errors import Fault, RecipeError
from ticketing.folder import StartSpec
from ticketing.ladder.channels import ChannelSets
from ticketing.plans.capacity_sweep import CapacityPlan, plan_sweep
from ticketing.plans.early_bird import EarlyBirdPlan, plan_early_bird
from ticketing.plans.iterative import plan
from ticketing.plans.plan import Plan
from ticketing.recipe import AnyRecipe, EarlyBird, Iterative

AnyPlan = Plan | CapacityPlan | EarlyBirdPlan


def plan_of(
    inventory: Inventory,
    recipe: AnyRecipe,
    *,
    train: int,
    test: int,
    trained: bool = False,
    start: StartSpec | None = None,
    sets: ChannelSets | None = None,
) -> AnyPlan:
    """Lay out a run of any search; the arguments are those of `ticketing.plans.iterative.plan`.

    Raises:
        RecipeError: It cannot be done.
    """
    if isinstance(recipe, Iterative):
        return plan(inventory, recipe, train=train, test=test, trained=trained, start=start, sets=sets)
    if start is not None:
        raise no_levels(recipe.search)
    if isinstance(recipe, EarlyBird):
        return plan_early_bird(inventory, recipe, train=train, test=test)
    return plan_sweep(inventory, recipe, train=train, test=test)


def no_levels(search: str) -> RecipeError:
    """Give the refusal of a fork of, or into, a search that prunes no levels."""
    detail = f"expected a search with levels to go on from, got {search}"
    return RecipeError(detail, [Fault("/recipe/search", "not_forkable", detail)])

"""Whether a search can take a model: what it has to be of, and what is known of uploaded weights; reads no recipe."""

from collections.abc import Iterator

from ticketing.architectures import Inventory
from ticketing.errors import Fault
from ticketing.plans.agreement import misfits_of_trained
from ticketing.plans.early_bird import scales_missing
from ticketing.recipe import AnyRecipe, CapacitySweep, EarlyBird, TicketRecipe
from ticketing.step import Step


def unsupported(
    search: str, *, architecture: str, uploaded: bool, weights: str, inventory: Inventory | None = None
) -> str | None:
    """Say why a search cannot take a model; None where it can, as far as its layers are known."""
    if search == "early_bird":
        if weights == "trained":
            return "expected weights before training, whose channels have yet to settle, got a model uploaded trained"
        return None if inventory is None else scales_missing(inventory)
    if search != "capacity_sweep" or (architecture == "mlp" and not uploaded):
        return None
    came = "uploaded weights" if architecture == "mlp" else architecture
    return f"expected the architecture mlp with a seed, whose one hidden layer is varied, got {came}"


def faults_with_model(recipe: AnyRecipe, *, architecture: str, uploaded: bool, weights: str) -> list[Fault]:
    """List what of a recipe does not suit the model, with pointers into the request."""
    faults = []
    misfit = unsupported(recipe.search, architecture=architecture, uploaded=uploaded, weights=weights)
    if misfit is not None:
        faults.append(Fault("/recipe/search", "unsupported_model", misfit))
    if isinstance(recipe, CapacitySweep):
        return faults
    if isinstance(recipe, EarlyBird):
        return [*faults, *_one_initialisation(recipe, uploaded=uploaded)]
    if weights == "trained":
        faults += misfits_of_trained(recipe)
    if weights == "trained" and (isinstance(recipe.rewind, Step) or recipe.rewind == "auto"):
        detail = f"expected lr or none: the model was uploaded trained, its state at {recipe.rewind} is not known"
        faults.append(Fault("/recipe/rewind", "rewind_unknown", detail, ("lr", "none")))
    return [*faults, *_one_initialisation(recipe, uploaded=uploaded)]


def _one_initialisation(recipe: TicketRecipe, *, uploaded: bool) -> Iterator[Fault]:
    if uploaded and recipe.evidence.replicates and recipe.evidence.replicates_of == "search":
        detail = "expected retrain: an uploaded initialisation cannot be drawn again, so the search has one start"
        yield Fault("/recipe/evidence/replicates_of", "one_initialisation", detail, ("retrain",))

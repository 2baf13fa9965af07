"""From a recipe as it was sent to one with every default filled in, or to the faults that say what is wrong."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from ticketing.architectures import Inventory, preset
from ticketing.errors import Fault, RecipeError
from ticketing.plans.agreement import contradictions, misfits_of_trained
from ticketing.plans.early_bird import norms_missing
from ticketing.recipe import (
    CAPACITY_PRESET,
    EVIDENCE_WORDS,
    RECIPES,
    SEARCHES,
    AnyRecipe,
    CapacitySweep,
    EarlyBird,
    Iterative,
    TicketRecipe,
)
from ticketing.recipe.faults import faults_of
from ticketing.step import Step


def resolve(
    raw: Mapping[str, Any],
    *,
    architecture: str,
    uploaded: bool,
    weights: Literal["initial", "trained"],
    device_kind: Literal["cpu", "gpu"],
    seed: int,
    max_accuracy_drop: float | None = None,
) -> AnyRecipe:
    """Fill every default of a recipe for this model and device; the recipe's own words always win.

    Args:
        raw: The recipe as it was sent.
        architecture: Name of the network; its preset gives training and rates.
        uploaded: Whether the weights were sent, rather than drawn from a seed.
        weights: Which moment the weights are of.
        device_kind: Where it will run.
        seed: Used when the recipe names none.
        max_accuracy_drop: The job's gate; the tolerance of the certificate where the recipe names none. Without
            it, that of the recipe's target.

    Raises:
        RecipeError: A field is unknown, out of bounds, or does not suit the model or the device.
    """
    shared: dict[str, Any] = {
        "seed": seed,
        "training": {
            "precision": "bf16" if device_kind == "gpu" else "fp32",
            "deterministic": device_kind == "cpu",
        },
    }
    if raw.get("search") == "capacity_sweep":
        recipe = parse_recipe(raw, defaults=merge(shared, CAPACITY_PRESET))
    else:
        for_ticket = _defaults_for_ticket(raw, uploaded=uploaded, weights=weights, max_accuracy_drop=max_accuracy_drop)
        recipe = parse_recipe(raw, defaults=merge(shared | for_ticket, _preset(architecture, raw)))
    faults = list(_faults_with_model(recipe, architecture=architecture, uploaded=uploaded, weights=weights))
    if device_kind == "cpu" and recipe.training.precision == "fp16":
        detail = "expected fp32 or bf16 on a CPU, which gains nothing by fp16, got fp16"
        faults.append(Fault("/recipe/training/precision", "needs_gpu", detail, ("fp32", "bf16")))
    if faults:
        raise RecipeError("; ".join(fault.detail for fault in faults), faults)
    return recipe


def _preset(architecture: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Give the preset of an architecture; its rates by kind suit its own scope, and are left out under another."""
    own = preset(architecture)
    if raw.get("search") == "early_bird":
        return {"training": own["training"]}
    scope: Any = raw.get("scope") or own.get("scope", "layerwise")
    return own if scope in ("layerwise", own.get("scope")) else {k: v for k, v in own.items() if k != "rate"}


def unsupported(
    search: str, *, architecture: str, uploaded: bool, weights: str, inventory: Inventory | None = None
) -> str | None:
    """Say why a search cannot take a model; None where it can, as far as its layers are known."""
    if search == "early_bird":
        if weights == "trained":
            return "expected weights before training, whose channels have yet to settle, got a model uploaded trained"
        return None if inventory is None else norms_missing(inventory)
    if search != "capacity_sweep" or (architecture == "mlp" and not uploaded):
        return None
    came = "uploaded weights" if architecture == "mlp" else architecture
    return f"expected the architecture mlp with a seed, whose one hidden layer is varied, got {came}"


def _defaults_for_ticket(
    raw: Mapping[str, Any],
    *,
    uploaded: bool,
    weights: Literal["initial", "trained"],
    max_accuracy_drop: float | None,
) -> dict[str, Any]:
    defaults: dict[str, Any] = {"evidence": {"replicates_of": "retrain" if uploaded else "search"}}
    if max_accuracy_drop and max_accuracy_drop < 1:
        defaults["evidence"]["tolerance"] = max_accuracy_drop
    elif (drop := _drop_asked_for(raw)) is not None:
        defaults["evidence"]["tolerance"] = drop
    if weights == "trained" and raw.get("search") == "iterative":
        defaults["rewind"] = "lr"
    return defaults


def _drop_asked_for(raw: Mapping[str, Any]) -> float | None:
    """Give the accuracy drop of a target as it was sent, where it can be a tolerance."""
    target = raw.get("target")
    drop = target.get("max_accuracy_drop") if isinstance(target, Mapping) else None
    return drop if isinstance(drop, float) and 0 < drop < 1 else None


def _faults_with_model(recipe: AnyRecipe, *, architecture: str, uploaded: bool, weights: str) -> list[Fault]:
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


def parse_recipe(
    raw: Mapping[str, Any], *, defaults: Mapping[str, Any] | None = None, at: str = "/recipe"
) -> AnyRecipe:
    """Read a recipe, filling what it leaves out from `defaults` first and the fields' own defaults after.

    Args:
        raw: The recipe as it was sent.
        defaults: A partial recipe for this model and device; merged under `raw`, part by part.
        at: JSON pointer of the recipe in the request, put in front of every fault.

    Raises:
        RecipeError: With one fault per field: its pointer, what was expected, what came, and the words allowed.
    """
    search = raw.get("search")
    if not isinstance(search, str) or search not in RECIPES:
        detail = f"expected one of {', '.join(SEARCHES)}, got {search!r}"
        raise RecipeError(detail, [Fault(f"{at}/search", "unknown_search", detail, SEARCHES)])
    try:
        recipe = RECIPES[search].model_validate(merge(defaults or {}, _words_as_parts(raw)))
    except ValidationError as error:
        faults = faults_of(error, at=at)
        raise RecipeError("; ".join(f"{f.pointer}: {f.detail}" for f in faults), faults) from None
    if isinstance(recipe, Iterative) and (faults := list(contradictions(recipe, at=at))):
        raise RecipeError("; ".join(f"{f.pointer}: {f.detail}" for f in faults), faults)
    return recipe


def _words_as_parts(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Write a rate given as a number and evidence given as a word as the parts they stand for, so that defaults mix."""
    parts = dict(raw)
    if isinstance(raw.get("evidence"), str) and raw["evidence"] in EVIDENCE_WORDS:
        parts["evidence"] = EVIDENCE_WORDS[raw["evidence"]]
    return parts


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one partial recipe over another; parts of another kind (`name` differs) replace, they do not mix."""
    merged = dict(under)
    for field, value in over.items():
        below: Any = merged.get(field)
        merged[field] = merge(below, value) if _same_kind(below, value) else value
    if over.get("target") is not None and over.get("levels") is None:
        merged.pop("levels", None)
    return merged


def _same_kind(below: Any, value: Any) -> bool:
    if not (isinstance(below, Mapping) and isinstance(value, Mapping)):
        return False
    return bool(value.get("name", below.get("name")) == below.get("name"))


def recipe_schema(search: str) -> dict[str, Any]:
    """Describe the recipe of a search as JSON Schema: every field with its default, its bounds and a sentence."""
    return RECIPES[search].model_json_schema(schema_generator=_Schema)


class _Schema(GenerateJsonSchema):
    """Writes a default step as it would be sent."""

    def encode_default(self, dft: Any) -> Any:
        return str(dft) if isinstance(dft, Step) else super().encode_default(dft)

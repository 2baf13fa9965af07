"""From a recipe as it was sent to one with every default filled in, or to the faults that say what is wrong."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from ticketing.architectures import preset
from ticketing.errors import Fault, RecipeError
from ticketing.plans.agreement import contradictions
from ticketing.plans.n_of_m import without_rates_of_blocks
from ticketing.plans.support import faults_with_model
from ticketing.recipe import (
    CAPACITY_PRESET,
    EVIDENCE_WORDS,
    RECIPES,
    SEARCHES,
    AnyRecipe,
    Iterative,
    TicketRecipe,
)
from ticketing.recipe.faults import faults_of
from ticketing.recipe.structure import as_n_of_m
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
    max_latency_ms: float | None = None,
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
        max_latency_ms: The job's gate, for which its gain must be measured.

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
        for_ticket |= {} if max_latency_ms is None else {"gain": "always"}
        recipe = parse_recipe(raw, defaults=merge(shared | for_ticket, _preset(architecture, raw)))
    faults = list(faults_with_model(recipe, architecture=architecture, uploaded=uploaded, weights=weights))
    if device_kind == "cpu" and recipe.training.precision == "fp16":
        detail = "expected fp32 or bf16 on a CPU, which gains nothing by fp16, got fp16"
        faults.append(Fault("/recipe/training/precision", "needs_gpu", detail, ("fp32", "bf16")))
    if max_latency_ms is not None and isinstance(recipe, TicketRecipe) and recipe.gain != "always":
        detail = f"expected always, for the gate max_latency_ms looks at what is measured, got {recipe.gain}"
        faults.append(Fault("/recipe/gain", "not_measured", detail, ("always",)))
    if faults:
        raise RecipeError("; ".join(fault.detail for fault in faults), faults)
    return recipe


def _preset(architecture: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Give the preset of an architecture; its rates by kind suit its own scope and single entries, and are left out
    otherwise, but for those that exempt under N:M."""
    own = preset(architecture)
    if raw.get("search") == "early_bird":
        return {"training": own["training"]}
    if raw.get("structure") == "channel":
        return {k: v for k, v in own.items() if k not in ("rate", "scope")}
    if as_n_of_m(raw.get("structure")) is not None:
        return without_rates_of_blocks(own)
    scope: Any = raw.get("scope") or own.get("scope", "layerwise")
    return own if scope in ("layerwise", own.get("scope")) else {k: v for k, v in own.items() if k != "rate"}


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
    if any(_asked_for(raw, word) is not None for word in ("speedup", "max_latency_ms")):
        defaults["gain"] = "always"
    return defaults


def _drop_asked_for(raw: Mapping[str, Any]) -> float | None:
    """Give the accuracy drop of a target as it was sent, where it can be a tolerance."""
    drop = _asked_for(raw, "max_accuracy_drop")
    return drop if isinstance(drop, float) and 0 < drop < 1 else None


def _asked_for(raw: Mapping[str, Any], word: str) -> Any:
    """Give a bound of a target as it was sent."""
    target = raw.get("target")
    return target.get(word) if isinstance(target, Mapping) else None


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

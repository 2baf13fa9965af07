"""A submission put together from what was typed; knows the shape of the body, asks no service."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from winnow.errors import Json


def recipe_of(
    base: Mapping[str, Any],
    *,
    search: str | None,
    sparsity: float | None,
    levels: int | None,
    evidence: str | None,
    seed: int | None,
    settings: Sequence[str],
) -> Json:
    """Lay what was typed over a recipe.

    Args:
        base: A recipe, from a file or empty.
        sparsity: Becomes `target.sparsity`.
        settings: `training.length=20ep`: a dotted field and its value, JSON where it is, else text.

    Raises:
        ValueError: A setting is no `field=value`.
    """
    typed = {"search": search, "seed": seed}
    under = dict(base) | {field: value for field, value in typed.items() if value is not None}
    under.setdefault("search", "iterative")
    return overrides_of(under, sparsity=sparsity, levels=levels, evidence=evidence, settings=settings)


def overrides_of(
    base: Mapping[str, Any],
    *,
    sparsity: float | None,
    levels: int | None,
    evidence: str | None,
    settings: Sequence[str],
) -> Json:
    """Lay what was typed over a part of a recipe, and name nothing that was not typed.

    Args:
        base: From a file, or empty.
        sparsity: Becomes `target.sparsity`.
        settings: As for `recipe_of`; `rewind=null` is none.

    Raises:
        ValueError: A setting is no `field=value`.
    """
    recipe: Json = json.loads(json.dumps(base))
    typed = {"levels": levels, "evidence": evidence}
    recipe |= {field: value for field, value in typed.items() if value is not None}
    if sparsity is not None:
        recipe["target"] = {"sparsity": sparsity}
    for field, value in pairs(settings).items():
        put(recipe, field, value)
    return recipe


def put(document: Json, field: str, value: Any) -> None:
    """Set a dotted field, making the objects on the way.

    Raises:
        ValueError: The way leads through something that is no object.
    """
    *way, last = field.split(".")
    for name in way:
        below = document.setdefault(name, {})
        if not isinstance(below, dict):
            raise ValueError(f"expected {name} of {field} to be an object, got {below!r}")
        document = below
    document[last] = value


def pairs(texts: Sequence[str]) -> Json:
    """Read `key=value` texts; a value that is JSON (`5`, `true`, `[3, 32, 32]`) is read as JSON, else it is text.

    Raises:
        ValueError: One has no `=`, or nothing before it.
    """
    read: Json = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ValueError(f"expected key=value, got {text!r}")
        try:
            read[key] = json.loads(value)
        except json.JSONDecodeError:
            read[key] = value
    return read


def data_of(text: str) -> tuple[Path | None, str | None]:
    """Tell a dataset's file from its uri: a word before the first colon makes it a uri.

    Raises:
        ValueError: It is neither a uri nor a file that is there.
    """
    scheme, colon, _ = text.partition(":")
    if colon and scheme.isalnum() and len(scheme) > 1:
        return None, text
    if not Path(text).is_file():
        raise ValueError(f"expected a file, or a uri such as builtin:digits, got {text!r}")
    return Path(text), None


def gates_of(
    *, max_drop: float | None, min_sparsity: float | None, max_bytes: int | None, max_latency_ms: float | None
) -> Json:
    """Name the gates that were asked for."""
    gates = {
        "max_accuracy_drop": max_drop,
        "min_sparsity": min_sparsity,
        "max_bytes": max_bytes,
        "max_latency_ms": max_latency_ms,
    }
    return {name: value for name, value in gates.items() if value is not None}

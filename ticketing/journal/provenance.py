"""What a result was made of and on: digests, versions, the execution key. Changes nothing."""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from torch import Tensor

from ticketing.folder import RunSpec
from ticketing.plans.start import taken_over
from ticketing.recipe import Iterative, Recipe


def execution_key(spec: RunSpec, recipe: Recipe) -> dict[str, Any]:
    """Say where and how a run computes: equal keys promise equal bits, other keys promise nothing."""
    device = torch.device(spec.execution.device)
    model = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "device": model,
        "torch": torch.__version__,
        "cuda": torch.version.cuda if device.type == "cuda" else None,
        "threads": spec.execution.threads,
        "precision": recipe.training.precision,
        "compile": False,
        "deterministic": recipe.training.deterministic,
    }


def _processor() -> str:
    """Name what decides which kernels run; the model's marketing name may be out of a sandbox's sight."""
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"


def run_digest(spec: RunSpec, recipe: Recipe) -> str:
    """Give the sha256 of everything that decides the result except the execution key."""
    model, data = spec.model, spec.data
    decisive = {
        "recipe": _decisive(recipe),
        "model": None if model is None else model.model_dump(mode="json"),
        "data": None if data is None else data.fingerprint or data.uri or data.name,
    }
    if spec.start is not None:
        decisive["start"] = spec.start.model_dump(mode="json", include={"level", "sha256", "searches"})
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


SINCE_VERSION_1: Mapping[str, Any] = {"schedule_of_pruning": "levels", "gradual": None, "budget": None, "round_to": 1}
"""Fields of a recipe that came after the first checkpoints, with what they say where nothing is asked of them: left
out of the digest there, so that what was begun before goes on."""
SINCE_VERSION_1_OF: Mapping[str, Mapping[str, Any]] = {"early_bird": {"target": None}}
"""The same of one search, whose field others had before."""


def _decisive(recipe: Recipe) -> dict[str, Any]:
    """Give the fields of a recipe that decide the result: not what is written and measured of it afterwards.

    `outputs` stands there as if nobody had chosen, as it did before there was a choice that came later.
    """
    said = recipe.model_dump(mode="json")
    said.pop("gain", None)
    if "outputs" in said:
        said["outputs"] = list(type(recipe).model_fields["outputs"].default)
    since = {**SINCE_VERSION_1, **SINCE_VERSION_1_OF.get(recipe.search, {})}
    return {name: value for name, value in said.items() if not (name in since and value == since[name])}


def state_digest(state: Mapping[str, Tensor]) -> str:
    """Give the sha256 over names, types, shapes and bits of a state dict, whatever its order."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        array = np.ascontiguousarray(tensor.detach().cpu().numpy())
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def provenance(spec: RunSpec, recipe: Recipe, *, key: Mapping[str, Any], fingerprint: str) -> dict[str, Any]:
    """Write what `provenance.json` holds.

    Args:
        spec: Of the run.
        recipe: Resolved.
        key: The execution key of the attempt that finished.
        fingerprint: Of the dataset that was read.
    """
    return {
        "run": run_digest(spec, recipe),
        "execution_key": dict(key),
        "sandbox": spec.execution.sandbox,
        "seed": recipe.seed,
        "model": None if spec.model is None else spec.model.model_dump(mode="json"),
        "dataset": {"name": None if spec.data is None else spec.data.name, "fingerprint": fingerprint},
        "versions": {
            "winnow": _version("winnow"),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "safetensors": safetensors.__version__,
        },
        "code": code_digest(),
        "labels": spec.labels,
        "start": _start(spec, recipe),
    }


def _start(spec: RunSpec, recipe: Recipe) -> dict[str, Any] | None:
    """Say what a fork began with, its parent's own beginning included."""
    start = spec.start
    if start is None or not isinstance(recipe, Iterative):
        return None
    parents = spec.model_copy(update={"start": start.start})
    return {
        "job": start.job,
        "run": run_digest(parents, start.recipe),
        "level": start.level,
        "checkpoint": start.sha256,
        "searches": taken_over(recipe, start),
        "changed": changes(start.recipe.model_dump(mode="json"), recipe.model_dump(mode="json")),
        "start": _start(parents, start.recipe),
    }


def changes(parent: Mapping[str, Any], own: Mapping[str, Any], above: str = "") -> dict[str, dict[str, Any]]:
    """List by JSON pointer what a recipe has otherwise than its parent's."""
    found: dict[str, dict[str, Any]] = {}
    for field in sorted({*parent, *own}):
        pointer, before, after = f"{above}/{field}", parent.get(field), own.get(field)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found |= changes(before, after, pointer)
        elif before != after:
            found[pointer] = {"parent": before, "own": after}
    return found


def code_digest() -> str:
    """Give the sha256 over the library's own source files, by name."""
    package, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"

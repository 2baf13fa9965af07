"""One run on scikit-learn's digits, of a perceptron of 64 hidden units where nothing else is said; measures nothing."""

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ticketing.architectures import arguments_for
from ticketing.data.inspection import inspect_builtin
from ticketing.folder import DATA, OUT, RECIPE, DataSpec, ModelSpec, RunSpec
from ticketing.observer import RecordingObserver
from ticketing.plans.parsing import resolve
from ticketing.runs.run import run


def report_on_digits(
    home: Path,
    asked: Mapping[str, Any],
    *,
    seed: int,
    architecture: str = "mlp",
    given: Mapping[str, Any] = MappingProxyType({"hidden": [64]}),
) -> dict[str, Any]:
    """Run what a recipe asks for in a new folder of `home`, initialisation and recipe of one seed; give its report."""
    folder = Path(tempfile.mkdtemp(dir=home))
    (folder / DATA).parent.mkdir()
    summary = inspect_builtin("builtin:digits", folder / DATA)
    known: dict[str, Any] = {
        "architecture": architecture,
        "uploaded": False,
        "weights": "initial",
        "device_kind": "cpu",
    }
    recipe = resolve({"search": "iterative", **asked}, **known, seed=seed)
    (folder / RECIPE).write_text(recipe.model_dump_json())
    arguments = arguments_for(architecture, dict(given), data_shape=summary.shape, classes=summary.classes)
    model = ModelSpec(architecture=architecture, arguments=arguments, seed=seed)
    spec = RunSpec(model=model, data=DataSpec(name=summary.name))
    run(folder, spec, observer=RecordingObserver(), clock=time.monotonic)
    report: dict[str, Any] = json.loads((folder / OUT / "report.json").read_bytes())
    return report

"""Trains networks of which none can be a winning ticket, through the certificate's own trainings; judges nothing.

In place of a found mask stands a random one with the same counts in every layer, over the initial weights: exactly what
the control `shuffle` draws. So ticket and `shuffle` are draws of the same kind, and so is `reinit` over it.
"""

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ticketing.architectures import arguments_for
from ticketing.certificate.verdict import Correct
from ticketing.controls.sparse import shuffle
from ticketing.data.canonical import load_canonical
from ticketing.data.inspection import inspect_builtin, inspect_upload
from ticketing.data.preparation import prepare
from ticketing.evidence.testing import correct_answers
from ticketing.evidence.trainings import CHOICE, gather
from ticketing.folder import Execution, ModelSpec
from ticketing.journal.findings import Findings
from ticketing.journal.invariants import Invariants
from ticketing.journal.journal import open_journal
from ticketing.journal.workbench import Workbench
from ticketing.ladder.counts import kept_counts
from ticketing.mask import Mask
from ticketing.observer import RecordingObserver
from ticketing.plans.iterative import plan
from ticketing.plans.parsing import resolve
from ticketing.runs.execution import settle
from ticketing.subject import load_subject
from ticketing.training.rewinding import restart_of


@dataclass(frozen=True)
class Setting:
    """A network, a dataset and how long it is trained."""

    data: str
    """A `builtin:` name, or a file in the folder that WINNOW_DATA names."""
    architecture: str
    arguments: dict[str, Any]
    length: str
    evaluate_every: str
    sparsity: float


DIGITS = Setting("builtin:digits", "mlp", {"hidden": [64, 32]}, "150it", "25it", 0.789)
MNIST = Setting("mnist.npz", "lenet-300-100", {}, "600it", "100it", 0.789)


def trained(
    setting: Setting, *, seed: int, replicates: int, data: Path | None, controls: list[str]
) -> dict[str, Correct]:
    """Train dense, the random ticket and its controls, and give who got which test example right."""
    with tempfile.TemporaryDirectory() as folder:
        bench = _bench(setting, Path(folder), seed=seed, replicates=replicates, data=data, controls=controls)
        restart = restart_of(bench.recipe, per_epoch=bench.per_epoch)
        found = Findings(bench.journal, bench.subject, restart=restart, seed=seed)
        counts = kept_counts(bench.subject.inventory, bench.recipe)[1]
        for replicate in range(replicates):
            found.keep_mask(replicate, 1, _random_mask(bench, counts, replicate=replicate))
        bench.journal.record(CHOICE, {"level": 1})
        gather(bench, found, restart=restart, levels=(1,))
        return {
            branch: correct_answers(
                bench.journal,
                branch=branch,
                level=0 if branch == "dense" else 1,
                replicates=replicates,
                examples=len(bench.data.y_test),
            )
            for branch in ("dense", "ticket", *controls)
        }


def _random_mask(bench: Workbench, counts: dict[str, int], *, replicate: int) -> Mask:
    first = {
        name: (torch.arange(torch.Size(shape).numel()) < counts[name]).reshape(shape)
        for name, shape in bench.subject.shapes.items()
    }
    # Level 99 is none of the certificate's: its shuffles are drawn apart from this one.
    return shuffle(bench.subject, Mask(first), {}, seed=bench.recipe.seed, replicate=replicate, level=99).mask


def _bench(
    setting: Setting, folder: Path, *, seed: int, replicates: int, data: Path | None, controls: list[str]
) -> Workbench:
    file = folder / "data.safetensors"
    if setting.data.startswith("builtin:"):
        summary = inspect_builtin(setting.data, file)
    elif data is not None:
        summary = inspect_upload(data / setting.data, file, name=setting.data)
    else:
        sys.exit(f"expected WINNOW_DATA to name the folder that holds {setting.data}")
    given = arguments_for(setting.architecture, setting.arguments, data_shape=summary.shape, classes=summary.classes)
    subject = load_subject(ModelSpec(architecture=setting.architecture, arguments=given, seed=seed))
    asked = {
        "search": "iterative",
        "levels": 1,
        "rate": {"default": setting.sparsity, "output": setting.sparsity / 2},
        "training": {"length": setting.length, "batch_size": 60, "evaluate_every": setting.evaluate_every},
        "evidence": {"replicates": replicates, "controls": controls},
    }
    recipe = resolve(
        asked, architecture=setting.architecture, uploaded=False, weights="initial", device_kind="cpu", seed=seed
    )
    device = settle(Execution(), deterministic=True)
    prepared = prepare(load_canonical(file), recipe=recipe, weights="initial", device=device, channels_last=False)
    return Workbench(
        subject=subject,
        data=prepared,
        recipe=recipe,
        journal=open_journal(folder / "checkpoint", run_digest="", execution_key={}),
        observer=RecordingObserver(),
        invariants=Invariants(),
        clock=time.monotonic,
        checkpoint_seconds=1e9,
        plan=plan(subject.inventory, recipe, train=len(prepared.y_train), test=len(prepared.y_test)),
    )

"""What a run reads from its folder: the model and the dataset, and whether they fit each other; trains nothing."""

from pathlib import Path

import torch

from ticketing.data.canonical import load_canonical
from ticketing.data.dataset import Dataset
from ticketing.data.preparation import prepare
from ticketing.data.windows import prepare_tokens
from ticketing.errors import DataError, Fault, ModelError
from ticketing.folder import DATA, MODEL, RunSpec
from ticketing.plans.suitability import check_data
from ticketing.recipe import AnyRecipe
from ticketing.subject import Subject, load_subject


def load(folder: Path, spec: RunSpec, recipe: AnyRecipe, *, device: torch.device) -> tuple[Subject, Dataset]:
    """Read the model and the dataset of a folder, and check that they fit each other.

    Raises:
        ModelError: There is no model, or it is not what was declared.
        DataError: There is no dataset, or its examples or classes do not suit the network.
    """
    if spec.model is None:
        raise ModelError("expected a model in run.json, got none", [Fault("/model", "missing", "no model given")])
    model_file = folder / MODEL
    subject = load_subject(spec.model, model_file=model_file if model_file.is_file() else None)
    canonical = load_canonical(folder / DATA)
    declared = None if spec.data is None else spec.data.fingerprint
    if declared not in (None, canonical.summary.fingerprint):
        raise DataError(f"expected a dataset with fingerprint {declared}, got {canonical.summary.fingerprint}")
    summary, listed = canonical.summary, subject.inventory
    misfit = listed.misfit(summary.shape, summary.classes, task=summary.task)
    if misfit is not None:
        raise DataError(misfit, [Fault("/dataset", "does_not_fit", misfit)])
    if listed.task == "next_token":
        check_data(recipe.training, shape=summary.shape, classes=summary.classes)
        (context,) = listed.input_shape
        return subject, prepare_tokens(canonical, weights=subject.weights, device=device, context=context)
    channels_last = listed.convolutional
    data = prepare(canonical, recipe=recipe, weights=subject.weights, device=device, channels_last=channels_last)
    return subject, data

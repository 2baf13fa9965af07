"""Looks at one upload and says what it is, so that plans need no more than numbers; trains nothing."""

from pathlib import Path

from ticketing.data.inspection import inspect_builtin, inspect_upload
from ticketing.errors import DataError, Fault, ModelError
from ticketing.folder import DATA, MODEL, UPLOAD, RunSpec
from ticketing.observer import Observer
from ticketing.subject import load_subject


def inspect(folder: Path, spec: RunSpec, *, observer: Observer) -> None:
    """Inspect the model or the dataset that `run.json` names, and say `inspected` with what it holds.

    A model must be exactly its architecture's state dict and finite. A dataset is checked row by row and written to
    `data/data.safetensors` in the one form every run reads.

    Raises:
        ModelError: The weights are not what was declared; one fault per tensor.
        DataError: The dataset is not one we read; the first bad row is named.
    """
    if spec.purpose == "inspect_model":
        _model(folder, spec, observer)
    else:
        _data(folder, spec, observer)


def _model(folder: Path, spec: RunSpec, observer: Observer) -> None:
    if spec.model is None:
        raise ModelError("expected a model in run.json, got none", [Fault("/model", "missing", "no model given")])
    file = folder / MODEL
    subject = load_subject(spec.model, model_file=file if file.is_file() else None)
    observer.emit("inspected", inventory=subject.inventory.as_json(), warnings=[])


def _data(folder: Path, spec: RunSpec, observer: Observer) -> None:
    if spec.data is None:
        raise DataError("expected a dataset in run.json, got none", [Fault("/dataset", "missing", "no dataset given")])
    to = folder / DATA
    to.parent.mkdir(exist_ok=True)
    if spec.data.uri is not None:
        summary = inspect_builtin(spec.data.uri, to)
    else:
        summary = inspect_upload(folder / UPLOAD, to, name=spec.data.name)
    found = summary.model_dump(mode="json")
    observer.emit("inspected", summary=found, warnings=found["warnings"])

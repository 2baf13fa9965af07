"""ticketing.runs.inspection: an upload is told as numbers, or refused with the reason."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import save_file

from ticketing.architectures import Inventory, arguments_for
from ticketing.data import load_canonical
from ticketing.errors import DataError, ModelError
from ticketing.folder import DATA, MODEL, UPLOAD, DataSpec, ModelSpec, RunSpec
from ticketing.observer import RecordingObserver
from ticketing.runs.inspection import inspect


def inspected(folder: Path, spec: RunSpec) -> dict[str, Any]:
    observer = RecordingObserver()
    inspect(folder, spec, observer=observer)
    (told,) = observer.of_type("inspected")
    json.dumps(told)
    return told


@pytest.fixture
def spec(make_subject: Any, tmp_path: Path) -> RunSpec:
    subject = make_subject()
    (tmp_path / MODEL).parent.mkdir()
    save_file(subject.initial_state, tmp_path / MODEL)
    arguments = arguments_for("mlp", {"in_features": 8, "hidden": [16, 12], "classes": 3})
    return RunSpec(purpose="inspect_model", model=ModelSpec(architecture="mlp", arguments=arguments))


def test_a_model_is_told_as_its_inventory(spec: RunSpec, tmp_path: Path) -> None:
    told = inspected(tmp_path, spec)
    assert Inventory.from_json(told["inventory"]).prunable_total == 8 * 16 + 16 * 12 + 12 * 3
    assert told["warnings"] == []


def test_a_model_of_another_shape_is_refused(spec: RunSpec, tmp_path: Path) -> None:
    other = spec.model.model_copy(update={"arguments": spec.model.arguments | {"hidden": [16, 13]}})
    with pytest.raises(ModelError, match="fc2"):
        inspect(tmp_path, spec.model_copy(update={"model": other}), observer=RecordingObserver())


def test_a_builtin_dataset_becomes_canonical(tmp_path: Path) -> None:
    told = inspected(tmp_path, RunSpec(purpose="inspect_data", data=DataSpec(name="d", uri="builtin:digits")))
    assert told["summary"]["splits"] == {"train": 1437, "test": 360}
    assert load_canonical(tmp_path / DATA).summary.fingerprint == told["summary"]["fingerprint"]


def test_an_upload_becomes_canonical_with_its_warnings(tmp_path: Path) -> None:
    (tmp_path / UPLOAD).parent.mkdir()
    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    y = np.arange(20) % 2
    np.savez(tmp_path / UPLOAD, x_train=x, y_train=y, x_test=x[:4], y_test=y[:4])
    told = inspected(tmp_path, RunSpec(purpose="inspect_data", data=DataSpec(name="mine")))
    assert told["summary"]["name"] == "mine"
    assert [warning["code"] for warning in told["warnings"]] == ["leakage"]


def test_a_label_out_of_range_is_refused(tmp_path: Path) -> None:
    (tmp_path / UPLOAD).parent.mkdir()
    x, y = np.zeros((4, 2), dtype=np.float32), np.array([0, 1, -1, 1])
    np.savez(tmp_path / UPLOAD, x_train=x, y_train=y, x_test=x, y_test=y)
    with pytest.raises(DataError, match="row 2"):
        inspect(tmp_path, RunSpec(purpose="inspect_data", data=DataSpec(name="mine")), observer=RecordingObserver())


@pytest.mark.parametrize(("purpose", "error"), [("inspect_model", ModelError), ("inspect_data", DataError)])
def test_nothing_to_inspect_is_said(tmp_path: Path, purpose: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="got none"):
        inspect(tmp_path, RunSpec(purpose=purpose), observer=RecordingObserver())

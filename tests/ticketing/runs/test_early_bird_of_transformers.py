"""An early-bird run of a vision transformer: heads and units gone for good, files that read back, a report of both."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.ticketing.runs.folders import report_of, verified
from ticketing.channels import channels_of
from ticketing.channels.slimming import slim_state
from ticketing.folder import OUT, read_spec
from ticketing.observer import RecordingObserver
from ticketing.runs.run import run
from ticketing.subject import load_subject

LayOut = Callable[..., Path]
HEADS, UNITS = 4, 64
ASKED: dict[str, Any] = {
    "architecture": "vit-tiny",
    "arguments": {"patch": 4, "width": 16, "depth": 2, "heads": HEADS},
    "search": "early_bird",
    "channel_sparsities": [0.25, 0.5],
    "window": 3,
    "threshold": 0.25,
    "l1": 0.001,
    "training": {
        "length": "10ep",
        "batch_size": 30,
        "evaluate_every": "2ep",
        "optimizer": {"name": "adamw", "learning_rate": 0.003},
        "schedule": {"name": "constant"},
    },
    "outputs": ["slim", "ticket", "model", "mask", "onnx"],
    "evidence": {"replicates": 1, "replicates_of": "retrain", "controls": ["reinit", "random"]},
}


@pytest.fixture(scope="module")
def _done(tmp_path_factory: pytest.TempPathFactory, lay_out: LayOut, few_large_digits: Any) -> Path:
    folder = lay_out(tmp_path_factory.mktemp("bird") / "run", dataset=few_large_digits, **ASKED)
    run(folder, read_spec(folder), observer=RecordingObserver(), clock=time.monotonic)
    return folder


@pytest.fixture
def done(tmp_path: Path, _done: Path) -> Path:
    return Path(shutil.copytree(_done, tmp_path / "done", symlinks=True))


def test_everything_reads_back(done: Path) -> None:
    verified(done)
    assert (done / OUT / "slim.onnx").exists()


def test_the_report_counts_heads_and_units(done: Path) -> None:
    report = report_of(done)
    for row, share in zip(report["levels"][1:], (0.25, 0.5), strict=True):
        kinds = row["channels"]["kinds"]
        rescued = len(row["channels"]["rescued"])
        assert kinds["units"] == {"kept": round((1 - share) * 2 * UNITS), "total": 2 * UNITS}
        assert round((1 - share) * 2 * HEADS) <= kinds["heads"]["kept"] <= round((1 - share) * 2 * HEADS) + rescued
        assert row["channels"]["kept"] == sum(of["kept"] for of in kinds.values())
    heads, units = (report["levels"][2]["channels"]["kinds"][kind] for kind in ("heads", "units"))
    cell = f"{heads['kept']} of {heads['total']} heads, {units['kept']} of {units['total']} units"
    assert cell in (done / OUT / "report.html").read_text()


def test_the_slim_network_is_the_model_without_what_is_gone(done: Path) -> None:
    subject = load_subject(read_spec(done).model)
    channels, document = (
        channels_of(subject.module, subject.inventory),
        json.loads((done / OUT / "slim.json").read_bytes()),
    )
    slim, model = (load_file(done / OUT / f"{word}.safetensors") for word in ("slim", "model"))
    assert slim.keys() == model.keys() == subject.initial_state.keys()
    kept = torch.ones(channels.count, dtype=torch.bool)
    for name, taken in document["tensors"].items():
        for axis, indices in taken["kept"].items():
            along = channels.axes[name, int(axis)]
            gone = torch.ones(len(along), dtype=torch.bool)
            gone[indices] = False
            kept[along[gone]] = False
    assert all(torch.equal(tensor, slim[name]) for name, tensor in slim_state(model, channels, kept).items())
    heads = [of["kept"] for of in document["heads"].values()]
    assert len(heads) == 2
    assert sum(map(len, heads)) == report_of(done)["levels"][2]["channels"]["kinds"]["heads"]["kept"]

"""What tests of runs do to their folders: run, read reports, change files of tensors, verify, write again."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file

from ticketing.folder import OUT, RECIPE, read_spec
from ticketing.observer import RecordingObserver
from ticketing.runs.run import run
from ticketing.runs.verification import verify


def report_of(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / OUT / "report.json").read_bytes())
    return report


def changed(path: Path, change: Callable[..., Any]) -> None:
    """Change the tensors of a file and leave its metadata as they are."""
    with safe_open(path, framework="pt") as file:
        metadata, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    change(tensors)
    save_file(tensors, path, metadata=metadata)


def ran(folder: Path) -> RecordingObserver:
    """Run a folder to its end, and give what it said."""
    observer = RecordingObserver()
    run(folder, read_spec(folder), observer=observer, clock=time.monotonic)
    return observer


def verified(folder: Path) -> None:
    verify(folder, read_spec(folder))


def timed_and_written_again(folder: Path) -> Any:
    """Hold what a finished run says of its target of time against its gain; write the run again without one.

    Returns:
        What the first report said of it.
    """
    report = report_of(folder)
    told = report["search"]["target"]
    sought = {"runtime": told["runtime"], "batch_size": told["batch_size"], "network": "slim"}
    (row,) = (row for row in report["gain"]["latency"] if sought.items() <= row.items())
    assert (told["came"], told["interval"]) == (row["faster"], row["interval"])
    assert told["met"] == (told["came"] >= told["speedup"])
    written = json.loads((folder / RECIPE).read_bytes()) | {"gain": "never"}
    (folder / RECIPE).write_text(json.dumps(written))
    shutil.rmtree(folder / OUT)
    ran(folder)
    again = report_of(folder)["search"]["target"]
    assert (again["came"], again["met"], again["tried"]) == (None, None, told["tried"])
    assert "was not measured again" in (folder / OUT / "report.md").read_text()
    return told

"""What tests of runs do to their folders: run, read reports, change files of tensors, verify; asserts nothing."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file

from ticketing.folder import OUT, read_spec
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

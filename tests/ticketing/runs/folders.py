"""What tests of finished runs do to their folders: read reports, change files of tensors, verify; asserts nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file

from ticketing.folder import OUT, read_spec
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


def verified(folder: Path) -> None:
    verify(folder, read_spec(folder))

"""Files that are whole or not there: a temporary name, fsync, rename; knows nothing of what is in them."""

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that whoever looks sees all of it or, until then, what was there before."""
    _write(path, lambda temporary: temporary.write_bytes(content))


def write_tensors(path: Path, tensors: Mapping[str, Tensor], *, metadata: str) -> None:
    """Write tensors as safetensors, whole or not at all.

    The metadata is one string under the key `winnow`: the format keeps a map in no fixed order, and equal content
    must have equal bytes.
    """
    placed = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    _write(path, lambda temporary: save_file(placed, temporary, metadata={"winnow": metadata}))


def _write(path: Path, fill: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        fill(temporary)
        _sync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the renames done in a folder outlive a power cut."""
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Hash a file in bounded memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Raw arrays out of an uploaded `.npz`, believed in nothing: bounded, no objects; judges no values."""

import zipfile
import zlib
from collections.abc import Container, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ticketing.data.conversion import bad_data
from ticketing.task import Task

MAX_BYTES = 16 << 30
REQUIRED: Mapping[Task, tuple[str, ...]] = {
    "classification": ("x_train", "y_train", "x_test", "y_test"),
    "next_token": ("tokens_train", "tokens_test"),
}
OPTIONAL: Mapping[Task, tuple[str, ...]] = {
    "classification": ("x_validation", "y_validation", "class_names"),
    "next_token": ("tokens_validation", "class_names"),
}


def read_npz(path: Path, *, max_bytes: int = MAX_BYTES) -> dict[str, NDArray[Any]]:
    """Read the arrays of a dataset out of an `.npz`; arrays of other names are left alone.

    Args:
        path: The archive.
        max_bytes: Of the wanted arrays together, unpacked.

    Raises:
        DataError: No zip archive, an array missing, cut, of objects, or more than `max_bytes` in all.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
            task = task_of({name.removesuffix(".npy") for name in sizes})
            missing = [name for name in REQUIRED[task] if f"{name}.npy" not in sizes]
            if missing:
                raise bad_data(f"expected arrays {', '.join(REQUIRED[task])}, got none named {', '.join(missing)}")
            wanted = [name for name in REQUIRED[task] + OPTIONAL[task] if f"{name}.npy" in sizes]
            total = sum(sizes[f"{name}.npy"] for name in wanted)
            if total > max_bytes:
                raise bad_data(f"expected at most {max_bytes} bytes of arrays, got {total}")
            return {name: _read(archive, name, sizes[f"{name}.npy"]) for name in wanted}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise bad_data(f"expected a whole .npz archive, got {error}") from None


def task_of(names: Container[str]) -> Task:
    """Say which task arrays of these names are a dataset of.

    Raises:
        DataError: They are of two.
    """
    if "tokens_train" not in names:
        return "classification"
    if "x_train" in names:
        raise bad_data("expected either x_train or tokens_train, got both")
    return "next_token"


def _read(archive: zipfile.ZipFile, name: str, size: int) -> NDArray[Any]:
    try:
        shape, dtype = _declared(archive, name)
        if dtype.hasobject:
            raise bad_data(f"{name}: expected numbers, got objects")
        # numpy allocates what the header declares before it reads: a lie would cost memory.
        if prod(shape) * dtype.itemsize > size:
            raise bad_data(f"{name}: expected {prod(shape) * dtype.itemsize} bytes for {shape}, got {size}")
        with archive.open(f"{name}.npy") as member:
            array: NDArray[Any] = npy.read_array(member, allow_pickle=False)
            return array
    except ValueError as error:
        raise bad_data(f"{name}: expected an array in .npy form, got {str(error)[:200]}") from None


def _declared(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    with archive.open(f"{name}.npy") as member:
        version = npy.read_magic(member)
        if version not in readers:
            raise ValueError(f"version {version} of the .npy form")
        shape, _, dtype = readers[version](member)
    return shape, dtype

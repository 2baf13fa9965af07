"""The one form every dataset is kept in: a safetensors file of arrays with their summary; knows no uploads."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor

from ticketing.errors import DataError

KEY = "winnow"
SPLITS = ("train", "validation", "test")


class Summary(BaseModel):
    """What is known of a dataset without its arrays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    shape: tuple[int, ...]
    """Of one example: (features,) or (channels, height, width)."""
    dtype: Literal["uint8", "float32"]
    classes: int
    class_names: tuple[str, ...]
    splits: dict[str, int]
    """Examples per split; validation is absent when the dataset brings none."""
    class_counts: dict[str, tuple[int, ...]]
    """Examples per class, per split."""
    mean: tuple[float, ...]
    """Of train, per channel or feature, in the units of the array."""
    std: tuple[float, ...]
    """Population standard deviation; 1 where the channel or feature is constant."""
    fingerprint: str
    """sha256 of all arrays with their names, shapes and dtypes."""
    resolution: float
    """The smallest accuracy difference the test split can show: one example."""
    warnings: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Canonical:
    """A canonical file, open: arrays mapped from disk and not yet prepared."""

    arrays: dict[str, Tensor]
    """`x_train` (n, channels, height, width) or (n, features), uint8 or float32; `y_train` int64; and so on."""
    summary: Summary

    def split(self, name: str) -> tuple[Tensor, Tensor]:
        """Give the examples and labels of a split."""
        return self.arrays[f"x_{name}"], self.arrays[f"y_{name}"]


def write_canonical(path: Path, arrays: Mapping[str, NDArray[Any]], summary: Summary) -> None:
    """Write a canonical file; `load_canonical` reads it back equal."""
    ordered = {name: np.ascontiguousarray(arrays[name]) for name in array_names(summary.splits)}
    save_file(ordered, path, metadata={KEY: summary.model_dump_json()})


def load_canonical(path: Path) -> Canonical:
    """Open a canonical file, its arrays mapped into memory rather than read.

    Raises:
        DataError: The file is no canonical dataset.
    """
    try:
        with safe_open(path, framework="pt") as file:
            summary = Summary.model_validate_json((file.metadata() or {})[KEY])
            return Canonical({name: file.get_tensor(name) for name in array_names(summary.splits)}, summary)
    except (KeyError, ValueError, OSError, SafetensorError) as error:
        raise DataError(f"expected a canonical dataset in {path.name}, got {error!r}") from None


def array_names(splits: Mapping[str, int]) -> list[str]:
    """List the arrays of the splits that there are, in the canonical order."""
    return [f"{axis}_{split}" for split in SPLITS if split in splits for axis in "xy"]


def fingerprint(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Give the sha256 over names, dtypes, shapes and bytes of the arrays, in the canonical order."""
    digest = hashlib.sha256()
    for name in array_names({split: 0 for split in SPLITS if f"x_{split}" in arrays}):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data)
    return digest.hexdigest()


def statistics(x: NDArray[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Give mean and population standard deviation per channel (images) or feature, in float64.

    A constant channel or feature has deviation 1, so that dividing by it is harmless.
    """
    axes = (0, 2, 3) if x.ndim == 4 else (0,)
    mean = x.mean(axis=axes, dtype=np.float64)
    std = x.std(axis=axes, dtype=np.float64)
    std[std == 0] = 1.0
    return tuple(mean.tolist()), tuple(std.tolist())


def torch_dtype(precision: str) -> torch.dtype:
    """Give the dtype examples are kept in for a precision of training."""
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]

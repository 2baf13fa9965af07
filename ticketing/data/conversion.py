"""From raw arrays to canonical ones: shapes, dtypes and labels checked, the first bad row named; reads no files."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketing.errors import DataError, Fault

CHANNELS = (1, 3, 4)
MAX_CLASSES = 100_000
_CHUNK_ROWS = 4096


def canonical_arrays(raw: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Bring every split into the canonical form: x as (n, features) or (n, channels, height, width), y as int64.

    uint8 stays as it is, every other number becomes float32. Images come as (n, h, w), (n, h, w, c) or
    (n, c, h, w) with 1, 3 or 4 channels; where both could be meant, channels first.

    Args:
        raw: `x_train y_train x_test y_test`, perhaps `x_validation y_validation`.

    Raises:
        DataError: An array that is empty, of another kind, shape or length than its partner, a value that is not
            finite, a label that is no whole number from 0 or unknown to train, or a class without an example.
    """
    splits = [name for name in ("train", "validation", "test") if f"x_{name}" in raw or f"y_{name}" in raw]
    made: dict[str, NDArray[Any]] = {}
    for split in splits:
        for axis in "xy":
            if f"{axis}_{split}" not in raw:
                raise bad_data(f"expected x_{split} and y_{split}, got no {axis}_{split}")
        x, y = raw[f"x_{split}"], raw[f"y_{split}"]
        if len(x.shape) < 2 or x.shape[1:] != raw["x_train"].shape[1:]:
            expected = raw["x_train"].shape[1:] or "(features,) or an image"
            raise bad_data(f"x_{split}: expected examples of shape {expected}, got {x.shape[1:]}")
        made[f"x_{split}"] = _examples(f"x_{split}", x)
        made[f"y_{split}"] = _labels(f"y_{split}", y)
        if len(x) != len(y):
            raise bad_data(f"expected as many labels as examples in {split}, got {len(x)} examples and {len(y)} labels")
    _check_classes(made, splits)
    return made


def bad_data(detail: str) -> DataError:
    """Make the error for an uploaded dataset."""
    return DataError(detail, [Fault("/sha256", "bad_dataset", detail)])


def _examples(name: str, x: NDArray[Any]) -> NDArray[Any]:
    if x.dtype.kind not in "uifb":
        raise bad_data(f"{name}: expected numbers, got {x.dtype}")
    if x.size == 0:
        raise bad_data(f"{name}: expected at least one example with a value, got shape {x.shape}")
    if x.ndim == 3:
        x = x[:, np.newaxis]
    elif x.ndim == 4 and x.shape[1] not in CHANNELS:
        x = np.moveaxis(x, 3, 1)
    if x.ndim not in (2, 4) or (x.ndim == 4 and x.shape[1] not in CHANNELS):
        raise bad_data(f"{name}: expected (n, features), (n, h, w), (n, h, w, c) or (n, c, h, w), got {x.shape}")
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    with np.errstate(over="ignore"):
        made = np.ascontiguousarray(x, dtype=np.float32)
    for start in range(0, len(made), _CHUNK_ROWS):
        finite = np.isfinite(made[start : start + _CHUNK_ROWS].reshape(len(made[start : start + _CHUNK_ROWS]), -1))
        if not finite.all():
            row = start + int(np.flatnonzero(~finite.all(axis=1))[0])
            value = x[row].reshape(-1)[int(np.flatnonzero(~finite[row - start])[0])]
            raise bad_data(f"{name}: expected finite float32 values, got {value} in row {row}")
    return made


def _labels(name: str, y: NDArray[Any]) -> NDArray[np.int64]:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or y.dtype.kind not in "uifb":
        raise bad_data(f"{name}: expected one number per example, got {y.dtype} of shape {y.shape}")
    # NaN and infinity fail the comparison with their own floor or the bound.
    with np.errstate(invalid="ignore"):
        good = (y >= 0) & (y < MAX_CLASSES) & (np.floor(y) == y)
    if not good.all():
        row = int(np.flatnonzero(~good)[0])
        raise bad_data(f"{name}: expected whole numbers from 0 to {MAX_CLASSES - 1}, got {y[row]} in row {row}")
    return y.astype(np.int64)


def _check_classes(arrays: Mapping[str, NDArray[Any]], splits: list[str]) -> None:
    counts = np.bincount(arrays["y_train"])
    if len(counts) < 2:
        raise bad_data("y_train: expected at least two classes, got one")
    if not counts.all():
        missing = int(np.flatnonzero(counts == 0)[0])
        raise bad_data(f"y_train: expected every class of 0 to {len(counts) - 1}, got no example of class {missing}")
    for split in splits:
        unknown = np.flatnonzero(arrays[f"y_{split}"] >= len(counts))
        if len(unknown):
            label, row = arrays[f"y_{split}"][unknown[0]], unknown[0]
            raise bad_data(f"y_{split}: expected a class of train, 0 to {len(counts) - 1}, got {label} in row {row}")

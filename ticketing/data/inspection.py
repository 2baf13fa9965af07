"""From an upload or a builtin to a canonical file and its summary, with warnings; the one writer of such files."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketing.data.builtin import builtin_arrays
from ticketing.data.canonical import Summary, fingerprint, statistics, write_canonical
from ticketing.data.conversion import bad_data, canonical_arrays
from ticketing.data.tokens import describe_tokens
from ticketing.data.upload import read_npz, task_of
from ticketing.task import Task

IMBALANCE = 10
"""A warning is due when the largest class of train has this many times the examples of the smallest."""


def inspect_upload(npz: Path, to: Path, *, name: str) -> Summary:
    """Check an uploaded `.npz`, write it to `to` in canonical form, and say what is in it.

    Raises:
        DataError: It is no dataset we read; the first bad array and row are named.
    """
    return _inspect(read_npz(npz), to, name=name)


def inspect_builtin(uri: str, to: Path) -> Summary:
    """Write a builtin dataset, such as `builtin:digits`, to `to` in canonical form, and say what is in it.

    Raises:
        DataError: There is none of that name.
    """
    return _inspect(builtin_arrays(uri), to, name=uri.removeprefix("builtin:"))


def _inspect(raw: Mapping[str, NDArray[Any]], to: Path, *, name: str) -> Summary:
    arrays, summary = DESCRIPTIONS[task_of(raw)](raw, name)
    write_canonical(to, arrays, summary)
    return summary


def _describe_examples(raw: Mapping[str, NDArray[Any]], name: str) -> tuple[dict[str, NDArray[Any]], Summary]:
    arrays = canonical_arrays(raw)
    splits = {axis_split[2:]: len(y) for axis_split, y in arrays.items() if axis_split.startswith("y_")}
    counts = {split: np.bincount(arrays[f"y_{split}"], minlength=int(arrays["y_train"].max()) + 1) for split in splits}
    mean, std = statistics(arrays["x_train"])
    return arrays, Summary(
        name=name,
        shape=arrays["x_train"].shape[1:],
        dtype="uint8" if arrays["x_train"].dtype == np.uint8 else "float32",
        classes=len(counts["train"]),
        class_names=_class_names(raw, len(counts["train"])),
        splits=splits,
        class_counts={split: tuple(row.tolist()) for split, row in counts.items()},
        mean=mean,
        std=std,
        fingerprint=fingerprint(arrays),
        resolution=1 / splits["test"],
        warnings=(*_imbalance(counts["train"]), *_leakage(arrays, splits)),
    )


DESCRIPTIONS: Mapping[Task, Callable[[Mapping[str, NDArray[Any]], str], tuple[dict[str, NDArray[Any]], Summary]]] = {
    "classification": _describe_examples,
    "next_token": describe_tokens,
}
"""(raw arrays, name) -> canonical arrays and what is known of them."""


def _class_names(raw: Mapping[str, NDArray[Any]], classes: int) -> tuple[str, ...]:
    if "class_names" not in raw:
        return tuple(str(c) for c in range(classes))
    names = raw["class_names"]
    if names.dtype.kind != "U" or names.shape != (classes,):
        raise bad_data(f"class_names: expected {classes} strings, got {names.dtype} of shape {names.shape}")
    return tuple(str(word)[:200] for word in names)


def _imbalance(counts: NDArray[np.int64]) -> list[dict[str, str]]:
    largest, smallest = int(counts.argmax()), int(counts.argmin())
    if counts[largest] < IMBALANCE * counts[smallest]:
        return []
    detail = f"class {largest} has {counts[largest]} examples in train, class {smallest} has {counts[smallest]}"
    return [{"code": "class_imbalance", "detail": detail}]


def _leakage(arrays: Mapping[str, NDArray[Any]], splits: Mapping[str, int]) -> list[dict[str, str]]:
    """Count examples that stand, byte for byte, in a split that fits or chooses the weights as well."""
    rows = {
        split: [hashlib.blake2b(row.data, digest_size=16).digest() for row in arrays[f"x_{split}"]] for split in splits
    }
    found = []
    for held_out, other in (("validation", "train"), ("test", "train"), ("test", "validation")):
        if held_out in rows and other in rows:
            known = set(rows[other])
            shared = sum(row in known for row in rows[held_out])
            if shared:
                detail = f"{shared} of {splits[held_out]} {held_out} examples are in {other} too, byte for byte"
                found.append({"code": "leakage", "detail": detail})
    return found

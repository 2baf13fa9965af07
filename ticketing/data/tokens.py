"""Text as tokens: checked, brought into the canonical form, summed up. Reads no files and knows no network."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketing.data.canonical import SPLITS, Summary, fingerprint
from ticketing.data.conversion import MAX_CLASSES, bad_data


def describe_tokens(raw: Mapping[str, NDArray[Any]], name: str) -> tuple[dict[str, NDArray[Any]], Summary]:
    """Bring the tokens of every split into the canonical form, one row of int32, and say what is there.

    The rows of a two-dimensional array are joined in their order: nothing marks where one ends. The vocabulary is 0
    to the largest token of any split; not every one of it need occur.

    Args:
        raw: `tokens_train tokens_test`, perhaps `tokens_validation`, perhaps `class_names`: the text of each token.
        name: Of the dataset.

    Raises:
        DataError: An array that is no list of whole numbers from 0, or too short to have a next token.
    """
    arrays = {key: _tokens(key, raw[key]) for split in SPLITS if (key := f"tokens_{split}") in raw}
    vocabulary = 1 + max(int(array.max()) for array in arrays.values())
    if vocabulary < 2:
        raise bad_data("tokens_train: expected at least two tokens that differ, got one alone")
    splits = {key.removeprefix("tokens_"): len(array) for key, array in arrays.items()}
    return arrays, Summary(
        name=name,
        task="next_token",
        shape=(),
        dtype="int32",
        classes=vocabulary,
        class_names=_names(raw, vocabulary),
        splits=splits,
        class_counts={},
        mean=(),
        std=(),
        fingerprint=fingerprint(arrays),
        resolution=1 / splits["test"],
    )


def _tokens(name: str, given: NDArray[Any]) -> NDArray[np.int32]:
    if given.ndim not in (1, 2) or given.dtype.kind not in "ui":
        raise bad_data(f"{name}: expected whole numbers in one or two dimensions, got {given.dtype} {given.shape}")
    flat = given.reshape(-1)
    if len(flat) < 2:
        raise bad_data(f"{name}: expected at least two tokens, got {len(flat)}")
    good = (flat >= 0) & (flat < MAX_CLASSES)
    if not good.all():
        at = int(np.flatnonzero(~good)[0])
        raise bad_data(f"{name}: expected tokens from 0 to {MAX_CLASSES - 1}, got {flat[at]} at position {at}")
    return np.ascontiguousarray(flat, dtype=np.int32)


def _names(raw: Mapping[str, NDArray[Any]], vocabulary: int) -> tuple[str, ...]:
    if "class_names" not in raw:
        return ()
    names = raw["class_names"]
    if names.dtype.kind != "U" or names.shape != (vocabulary,):
        raise bad_data(f"class_names: expected {vocabulary} strings, got {names.dtype} of shape {names.shape}")
    return tuple(str(word)[:200] for word in names)

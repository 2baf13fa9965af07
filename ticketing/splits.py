"""Which examples become the validation split, and how many each split has; a stratified draw. Loads no torch."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ticketing.errors import DataError, Fault

TRAIN_PER_VALIDATION = 12
"""One in twelve: 60,000 MNIST examples give the 55,000 / 5,000 of Frankle & Carbin 2018."""


def validation_size(train: int) -> int:
    """Say how many of `train` examples become the validation split when a dataset brings none."""
    return max(1, train // TRAIN_PER_VALIDATION)


def windows(split: str, tokens: int, context: int) -> int:
    """Say how many windows of `context` tokens, each with its answers, a split of text has.

    Raises:
        DataError: Not one.
    """
    found = (tokens - 1) // context
    if found < 1:
        detail = f"expected at least {context + 1} tokens in {split}, a context and its last answer, got {tokens}"
        raise DataError(detail, [Fault("/dataset", "too_short", detail)])
    return found


def roles(splits: Mapping[str, int], *, trained: bool, context: int | None = None) -> tuple[int, int]:
    """Count the examples that weights are fitted on and that the test is made on, validation taken away.

    Args:
        splits: Examples per split, or tokens.
        trained: Whether the model came trained: then half of test becomes validation, not a part of train.
        context: Of tokens: how many a window has; None of examples.

    Raises:
        DataError: A split of tokens is shorter than a window.
    """
    train, test = splits["train"], splits["test"]
    validation = splits.get("validation")
    if validation is None and trained:
        validation, test = test // 2, test - test // 2
    elif validation is None:
        validation, train = validation_size(train), train - validation_size(train)
    if context is None:
        return train, test
    windows("validation", validation, context)
    return windows("train", train, context), windows("test", test, context)


def stratified(labels: NDArray[np.int64], size: int, *, seed: int) -> NDArray[np.int64]:
    """Draw `size` rows so that every class has its share of them, to within one.

    Shares are rounded by largest remainder, the lower class first among equals. The rows come sorted.

    Args:
        labels: Class of every row.
        size: Rows to draw, from 0 to the number of labels.
        seed: Of the draw within each class.
    """
    counts = np.bincount(labels)
    exact = counts * size  # in units of 1 / len(labels), so that the arithmetic stays in whole numbers
    drawn = exact // len(labels)
    remainder = exact % len(labels)
    for winner in np.argsort(-remainder, kind="stable")[: size - int(drawn.sum())]:
        drawn[winner] += 1
    random = np.random.Generator(np.random.PCG64(seed))
    rows = [random.permutation(np.flatnonzero(labels == c))[: drawn[c]] for c in range(len(counts))]
    return np.sort(np.concatenate(rows)).astype(np.int64)

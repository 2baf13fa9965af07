"""How many examples each split has. Loads neither torch nor NumPy."""

from collections.abc import Mapping

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

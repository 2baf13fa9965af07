"""Datasets that need no upload: raw arrays from libraries that bring them along; downloads nothing."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketing.data.stratified import stratified
from ticketing.errors import DataError, Fault
from ticketing.seeds import derive

DIGITS_TEST = 360


def builtin_arrays(uri: str) -> dict[str, NDArray[Any]]:
    """Give the raw arrays of `builtin:<name>`.

    Raises:
        DataError: There is none of that name; the fault lists those there are.
    """
    if uri not in BUILTINS:
        detail = f"expected one of {', '.join(BUILTINS)}, got {uri[:80]!r}"
        raise DataError(detail, [Fault("/uri", "unknown_dataset", detail, tuple(BUILTINS))])
    return BUILTINS[uri]()


def _digits() -> dict[str, NDArray[Any]]:
    """8x8 images of 1,797 handwritten digits (Alpaydin & Kaynak 1998), 360 of them drawn by class for test."""
    from sklearn.datasets import load_digits  # takes a second to import and is wanted here alone

    x, y = load_digits(return_X_y=True)
    images = x.reshape(-1, 8, 8).astype(np.uint8)  # whole numbers from 0 to 16
    test = np.zeros(len(y), dtype=bool)
    test[stratified(y, DIGITS_TEST, seed=derive(0, 0, "split", "digits"))] = True
    return {"x_train": images[~test], "y_train": y[~test], "x_test": images[test], "y_test": y[test]}


BUILTINS: Mapping[str, Callable[[], dict[str, NDArray[Any]]]] = {"builtin:digits": _digits}

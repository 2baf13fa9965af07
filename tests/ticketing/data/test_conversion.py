"""ticketing.data.conversion: every usual layout is understood, and the first bad row of any other named."""

from math import inf, nan
from typing import Any

import numpy as np
import pytest

from ticketing.data.conversion import canonical_arrays
from ticketing.errors import DataError


def raw(**replaced: Any) -> dict[str, np.ndarray]:
    """Six rows of two features for training, two for testing, classes 0 and 1."""
    good = {
        "x_train": np.arange(12.0).reshape(6, 2),
        "y_train": np.array([0, 1, 0, 1, 0, 1]),
        "x_test": np.ones((2, 2)),
        "y_test": np.array([1, 0]),
    }
    return {name: np.asarray(array) for name, array in (good | replaced).items()}


def images(*shape: int, dtype: Any = np.uint8) -> dict[str, np.ndarray]:
    drawn = np.random.default_rng(0).integers(0, 255, (6, *shape)).astype(dtype)
    return raw(x_train=drawn, x_test=drawn[:2])


@pytest.mark.parametrize(
    ("given_shape", "shape"),
    [
        ((7,), (7,)),
        ((8, 6), (1, 8, 6)),
        ((8, 6, 1), (1, 8, 6)),
        ((8, 6, 3), (3, 8, 6)),
        ((3, 8, 6), (3, 8, 6)),
        ((1, 8, 6), (1, 8, 6)),
        ((3, 8, 3), (3, 8, 3)),
    ],
)
def test_every_usual_shape_becomes_channels_first(given_shape: tuple[int, ...], shape: tuple[int, ...]) -> None:
    assert canonical_arrays(images(*given_shape))["x_train"].shape == (6, *shape)


def test_channels_last_pixels_go_where_they_belong() -> None:
    given = images(8, 6, 3)
    made = canonical_arrays(given)["x_train"]
    assert made[2, 1, 4, 5] == given["x_train"][2, 4, 5, 1]
    assert made.flags.c_contiguous


@pytest.mark.parametrize(
    ("dtype", "canonical"),
    [("uint8", "uint8"), ("int8", "float32"), ("int64", "float32"), ("float64", "float32"), ("float16", "float32"),
     ("bool", "float32"), (">f4", "float32")],
)  # fmt: skip
def test_bytes_stay_bytes_and_all_other_numbers_become_float32(dtype: str, canonical: str) -> None:
    assert canonical_arrays(images(4, 4, dtype=dtype))["x_train"].dtype == canonical


@pytest.mark.parametrize("labels", [[[0], [1], [0], [1], [0], [1]], [0.0, 1, 0, 1, 0, 1], [False, True] * 3])
def test_labels_may_be_any_whole_numbers(labels: Any) -> None:
    made = canonical_arrays(raw(y_train=labels))["y_train"]
    assert (made.dtype, made.tolist()) == (np.int64, [0, 1, 0, 1, 0, 1])


@pytest.mark.parametrize(
    ("replaced", "reason"),
    [
        ({"x_train": [[1, 2], [3, nan], [1, inf], [1, 1], [1, 1], [1, 1]]}, "x_train: .*got nan in row 1"),
        ({"x_test": [[1, 2], [-inf, 4]]}, "x_test: .*got -inf in row 1"),
        ({"x_test": [[1, 2], [1e39, 4]]}, r"x_test: .*got 1e\+39 in row 1"),
        ({"x_train": [["a", "b"]] * 6}, "x_train: expected numbers, got <U1"),
        ({"x_train": [[1j, 2]] * 6}, "x_train: expected numbers, got complex128"),
        ({"x_train": np.ones((0, 2)), "y_train": np.ones(0, int)}, "x_train: expected at least one example"),
        ({"x_train": np.ones((6, 0)), "x_test": np.ones((2, 0))}, "x_train: expected at least one example"),
        ({"x_train": np.ones(6)}, "x_train: expected examples of shape"),
        ({"x_train": np.ones((6, 5, 5, 5)), "x_test": np.ones((2, 5, 5, 5))}, r"expected \(n, features\)"),
        ({"x_train": np.ones((6, 1, 1, 1, 1)), "x_test": np.ones((2, 1, 1, 1, 1))}, r"expected \(n, features\)"),
        ({"x_test": np.ones((2, 3))}, r"x_test: expected examples of shape \(2,\), got \(3,\)"),
        ({"y_test": [1]}, "2 examples and 1 labels"),
        ({"y_train": [0, 1, 0, 1, -1, 1]}, "y_train: expected whole numbers .*got -1 in row 4"),
        ({"y_train": [0, 1, 0.5, 1, 0, 1]}, "y_train: .*got 0.5 in row 2"),
        ({"y_train": [0, 1, 0, nan, 0, 1]}, "y_train: .*got nan in row 3"),
        ({"y_train": [0, 1, 0, inf, 0, 1]}, "y_train: .*got inf in row 3"),
        ({"y_train": [0, 1, 0, 100_000, 0, 1]}, "y_train: .*got 100000 in row 3"),
        ({"y_train": np.array([0, 1, 0, 1, 0, 2**64 - 1], np.uint64)}, "got 18446744073709551615 in row 5"),
        ({"y_train": ["0", "1"] * 3}, "y_train: expected one number per example, got <U1"),
        ({"y_train": np.eye(6, 2)}, "y_train: expected one number per example"),
        ({"y_train": [0] * 6, "y_test": [0, 0]}, "at least two classes"),
        ({"y_train": [0, 2, 0, 2, 0, 2]}, "no example of class 1"),
        ({"y_test": [0, 2]}, "y_test: expected a class of train, 0 to 1, got 2 in row 1"),
        ({"x_validation": np.ones((1, 2))}, "no y_validation"),
        ({"x_validation": np.ones((1, 2)), "y_validation": [5]}, "y_validation: .*got 5 in row 0"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(replaced: dict[str, Any], reason: str) -> None:
    canonical_arrays(raw())
    with pytest.raises(DataError, match=reason) as refused:
        canonical_arrays(raw(**replaced))
    assert refused.value.faults[0].pointer == "/sha256"


def test_a_bad_row_is_found_beyond_the_first_chunk() -> None:
    x = np.zeros((5000, 2))
    x[4999, 1] = nan
    with pytest.raises(DataError, match="row 4999"):
        canonical_arrays(raw(x_train=x, y_train=np.arange(5000) % 2))


def test_a_validation_split_is_taken_along() -> None:
    made = canonical_arrays(raw(x_validation=np.ones((1, 2)), y_validation=[1]))
    assert list(made) == ["x_train", "y_train", "x_validation", "y_validation", "x_test", "y_test"]

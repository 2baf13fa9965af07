"""ticketing.splits: how many examples validation has."""

import pytest

from ticketing.splits import validation_size


@pytest.mark.parametrize(("train", "size"), [(60_000, 5_000), (1_437, 119), (23, 1), (2, 1)])
def test_validation_is_a_twelfth_of_train_and_never_empty(train: int, size: int) -> None:
    assert validation_size(train) == size

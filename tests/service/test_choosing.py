"""service.choosing: the first level sparse enough, the sparsest one near enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.choosing import level_at_sparsity, level_within_drop
from service.problems import Problem

ROWS = [
    {"replicate": r, "level": k, "kept": kept, "total": 1000, "sparsity": 1 - kept / 1000, "validation_accuracy": a}
    for r in (0, 1)
    for k, (kept, a) in enumerate([(1000, 0.95), (800, 0.96), (640, 0.93)])
]


@given(st.integers(0, 360).map(lambda n: n / 1000))
def test_the_level_is_at_least_as_sparse_and_the_one_before_it_is_not(sparsity: float) -> None:
    level = level_at_sparsity(ROWS, sparsity)
    removed = [0, 200, 360]
    assert removed[level] >= round(sparsity * 1000)
    assert level == 0 or removed[level - 1] < round(sparsity * 1000)


@pytest.mark.parametrize(("drop", "level"), [(0.0, 1), (0.0199, 1), (0.02001, 2), (1.0, 2)])
def test_the_sparsest_level_within_the_drop_is_chosen(drop: float, level: int) -> None:
    assert level_within_drop(ROWS, drop) == level


def test_more_than_there_is_is_refused_with_what_there_is() -> None:
    with pytest.raises(Problem, match=r"expected at most 0\.36, the sparsest level there is, got 0\.9"):
        level_at_sparsity(ROWS, 0.9)


def test_without_a_dense_level_nothing_can_be_near_it() -> None:
    with pytest.raises(Problem, match="dense level"):
        level_within_drop([], 0.1)

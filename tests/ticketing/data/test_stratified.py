"""ticketing.data.stratified: exact sizes, fair shares, the same draw for the same seed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ticketing.data.stratified import stratified

labels_and_size = st.lists(st.integers(0, 4), min_size=1, max_size=60).flatmap(
    lambda labels: st.tuples(st.just(np.array(labels)), st.integers(0, len(labels)))
)


@given(labels_and_size, st.integers(0, 9))
def test_draws_distinct_sorted_rows_of_the_size_asked_for(case: tuple[np.ndarray, int], seed: int) -> None:
    labels, size = case
    rows = stratified(labels, size, seed=seed).tolist()
    assert len(rows) == size
    assert sorted(set(rows)) == rows
    assert all(0 <= row < len(labels) for row in rows)


@given(labels_and_size, st.integers(0, 9))
def test_every_class_has_its_share_to_within_one(case: tuple[np.ndarray, int], seed: int) -> None:
    labels, size = case
    drawn = labels[stratified(labels, size, seed=seed)]
    for label in range(labels.max() + 1):
        assert abs((drawn == label).sum() - size * (labels == label).sum() / len(labels)) < 1


def test_the_largest_remainders_get_the_rows_left_over_the_lower_class_first() -> None:
    labels = np.array([0] * 3 + [1] * 3 + [2] * 4)  # of 5 rows: 1.5, 1.5 and 2
    assert np.bincount(labels[stratified(labels, 5, seed=0)]).tolist() == [2, 1, 2]


def test_the_seed_decides_the_draw() -> None:
    labels = np.arange(1000) % 10
    assert (stratified(labels, 100, seed=1) == stratified(labels, 100, seed=1)).all()
    assert (stratified(labels, 100, seed=1) != stratified(labels, 100, seed=2)).any()

"""ticketing.data.order: seeded permutations, whole batches, an explicit position."""

from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.data.order import Order
from ticketing.errors import CheckpointError


def batches(order: Order, count: int) -> list[list[int]]:
    return [order.next().tolist() for _ in range(count)]


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 99))
def test_an_epoch_sees_no_row_twice_and_every_batch_has_the_same_size(n: int, batch_size: int, seed: int) -> None:
    order = Order(n, batch_size, seed)
    seen = batches(order, order.per_epoch)
    rows = [row for batch in seen for row in batch]
    assert len(set(rows)) == len(rows)
    assert {len(batch) for batch in seen} == {min(batch_size, n)}
    assert n - len(rows) < batch_size


def test_an_epoch_of_whole_batches_sees_every_row() -> None:
    assert sorted(chain(*batches(Order(12, 4, 0), 3))) == list(range(12))


def test_every_epoch_has_another_permutation() -> None:
    order = Order(12, 4, 0)
    epochs = [list(chain(*batches(order, 3))) for _ in range(5)]
    assert all(one != other for one, other in pairwise(epochs))


def test_the_same_seed_gives_the_same_batches_and_another_seed_others() -> None:
    assert batches(Order(50, 8, 1), 20) == batches(Order(50, 8, 1), 20)
    assert batches(Order(50, 8, 1), 6) != batches(Order(50, 8, 2), 6)


@given(st.integers(0, 25), st.integers(1, 10))
def test_a_restored_order_goes_on_where_the_state_was_taken(already: int, more: int) -> None:
    order = Order(20, 6, 5)
    batches(order, already)
    restored = Order(20, 6, 5)
    restored.restore(order.state())
    assert batches(restored, more) == batches(order, more)


@given(st.integers(0, 25))
def test_seeking_is_the_same_as_drawing_and_dropping(step: int) -> None:
    sought, drawn = Order(20, 6, 5), Order(20, 6, 5)
    sought.seek(step)
    batches(drawn, step)
    assert sought.next().tolist() == drawn.next().tolist()


def test_fewer_rows_than_a_batch_are_one_batch_of_all() -> None:
    assert sorted(Order(3, 10, 0).next().tolist()) == [0, 1, 2]


@pytest.mark.parametrize("state", [{}, {"epoch": 0}, {"epoch": -1, "position": 0}, {"epoch": 0, "position": 4}])
def test_a_position_that_is_none_is_refused(state: dict[str, int]) -> None:
    with pytest.raises(CheckpointError, match="position of 0 to 3"):
        Order(20, 6, 5).restore(state)

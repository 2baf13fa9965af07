"""ticketing.plans.work: trainings and updates are counted as they are made, each once."""

from hypothesis import given
from hypothesis import strategies as st

from ticketing.plans.work import Work, of_ladder

COUNTS = st.integers(0, 50)


@given(levels=COUNTS, steps=st.integers(1, 1000), first=COUNTS, trained=st.booleans())
def test_a_ladder_is_the_dense_run_and_its_levels_one_after_the_other(
    levels: int, steps: int, first: int, trained: bool
) -> None:
    made = [] if trained else [steps]
    made += [steps - first for _ in range(levels)]
    assert of_ladder(levels, steps, first, trained) == Work(sum(made), len(made))


@given(one=st.tuples(COUNTS, COUNTS), other=st.tuples(COUNTS, COUNTS), count=st.integers(0, 5))
def test_work_adds_up(one: tuple[int, int], other: tuple[int, int], count: int) -> None:
    total = Work(*one).plus(other).times(count)
    assert total == (count * (one[0] + other[0]), count * (one[1] + other[1]))
    assert Work(*one).plus(other, other) == Work(*one).plus(other).plus(other)

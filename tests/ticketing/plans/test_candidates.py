"""ticketing.plans.candidates: the updates at which a restart is considered, and the most that trying them costs."""

from hypothesis import given
from hypothesis import strategies as st

from ticketing.plans.candidates import earliest, rewind_candidates, tried_at_most
from ticketing.recipe import Iterative


def test_they_are_the_shares_of_the_whole_length() -> None:
    assert rewind_candidates(50_000, last_step=50_000) == (0, 50, 250, 500, 1000, 2500, 5000)


@given(steps=st.integers(1, 10_000), end=st.integers(1, 10_000))
def test_they_rise_from_0_and_lie_before_the_end_of_a_level(steps: int, end: int) -> None:
    found = rewind_candidates(steps, last_step=end)
    assert found[0] == 0
    assert list(found) == sorted(set(found))
    assert found[-1] < end


@given(count=st.integers(0, 7), edge=st.integers(0, 8))
def test_the_first_stable_one_is_found_by_asking_about_three(count: int, edge: int) -> None:
    asked: list[int] = []

    def stable(step: int) -> bool:
        asked.append(step)
        return step >= edge

    assert earliest(range(count), stable) == (edge if edge < count else None)
    assert len(asked) <= 3


def test_three_are_tried_at_most_and_one_more_when_sparse() -> None:
    auto = Iterative.model_validate({"search": "iterative", "levels": 2, "rewind": "auto"})
    assert tried_at_most(auto, steps=50_000, last_step=50_000, fork=False) == (200_000, 4)
    assert tried_at_most(auto, steps=50_000, last_step=50_000, fork=True) == (50_000, 1)
    fixed = auto.model_copy(update={"rewind": "lr"})
    assert tried_at_most(fixed, steps=50_000, last_step=50_000, fork=False) == (0, 0)

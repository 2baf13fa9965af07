"""ticketing.ladder.ways: a way to an accuracy drop ends at the edge, cuts from what was good, a function of figures."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.ladder.ways import COLLAPSED, LARGE_CUT, Cut, Purse, Walked, Way, paid_by, sorted_out, through, to_drop


def walk(way: Way, accuracy: Callable[[int], float]) -> tuple[list[Walked], list[Cut]]:
    """Follow a way to its end."""
    walked, cuts = [Walked(0, accuracy(0))], list[Cut]()
    while (cut := way(walked)) is not None:
        cuts.append(cut)
        walked.append(Walked(cut.level, accuracy(cut.level)))
    return walked, cuts


def falling_after(edge: int) -> Callable[[int], float]:
    return lambda level: 0.9 if level <= edge else 0.5


@given(levels=st.lists(st.integers(1, 60), unique=True).map(sorted))
def test_a_fixed_ladder_is_walked_level_by_level(levels: list[int]) -> None:
    walked, cuts = walk(through([0, *levels]), lambda _: 0.5)
    assert [at.level for at in walked] == [0, *levels]
    assert [cut.after for cut in cuts] == [0, *levels][: len(cuts)]


@given(edge=st.integers(0, 60), last=st.integers(1, 60))
def test_the_edge_is_found_exactly_where_there_is_one(edge: int, last: int) -> None:
    walked, _ = walk(to_drop(0.01, last=last), falling_after(edge))
    assert sorted_out(walked, 0.01)[0][-1] == min(edge, last)


@given(figures=st.lists(st.floats(0, 1), min_size=2, max_size=40), drop=st.floats(0, 0.5))
def test_on_any_figures_it_ends_trains_no_level_twice_and_cuts_from_the_sparsest_within(
    figures: list[float], drop: float
) -> None:
    last = len(figures) - 1
    walked, cuts = walk(to_drop(drop, last=last), figures.__getitem__)
    levels = [at.level for at in walked]
    assert len(set(levels)) == len(levels)
    assert all(level <= last for level in levels)
    for done, cut in enumerate(cuts, start=1):
        assert cut.after == sorted_out(walked[:done], drop)[0][-1] < cut.level
    within, beyond = sorted_out(walked, drop)
    assert within[-1] == last or within[-1] + 1 in beyond


def test_cuts_are_large_while_the_margin_is_wide_and_small_when_half_of_it_is_used_up() -> None:
    losing = {0: 0.90, 4: 0.896, 8: 0.894, 9: 0.893, 10: 0.88}
    walked, cuts = walk(to_drop(0.01, last=60), losing.__getitem__)
    assert LARGE_CUT == 4
    assert cuts == [Cut(4, 0), Cut(8, 4), Cut(9, 8), Cut(10, 9)]
    assert sorted_out(walked, 0.01) == ([0, 4, 8, 9], [10])


def test_it_backs_off_by_bisection_from_the_last_level_within() -> None:
    _, cuts = walk(to_drop(0.01, last=60), falling_after(6))
    assert cuts == [Cut(4, 0), Cut(8, 4), Cut(6, 4), Cut(7, 6)]


def test_a_drop_is_counted_in_examples_and_not_in_the_last_bits() -> None:
    assert sorted_out([Walked(0, 0.9), Walked(1, 0.9 - 0.1)], 0.1) == ([0, 1], [])


@pytest.mark.parametrize("drop", [0.0, 0.01])
def test_where_every_level_loses_too_much_dense_is_left(drop: float) -> None:
    walked, _ = walk(to_drop(drop, last=60), falling_after(0))
    assert sorted_out(walked, drop) == ([0], [1, 2, 4])


def spending(purse: Purse | None, seconds: list[float], way: Way | None = None) -> list[int]:
    """Follow a way whose trainings take so many seconds, and give the levels it trained."""
    way = paid_by(purse, way or through(range(len(seconds))))
    walked = [Walked(0, 0.9, seconds[0])]
    while (cut := way(walked)) is not None:
        walked.append(Walked(cut.level, 0.9, seconds[len(walked)]))
    return [at.level for at in walked]


def test_without_a_budget_a_way_goes_to_its_end() -> None:
    assert spending(None, [1.0] * 6) == [0, 1, 2, 3, 4, 5]


@given(levels=st.integers(1, 9))
def test_so_many_pruned_levels_are_paid_and_no_more(levels: int) -> None:
    assert spending(Purse(levels), [1.0] * 6) == list(range(min(levels, 5) + 1))
    assert len(spending(Purse(levels), [1.0] * 40, to_drop(0.5, last=30))) - 1 <= levels


@pytest.mark.parametrize(
    ("seconds", "levels"), [(0.5, 1), (2.0, 1), (2.9, 1), (3.0, 2), (3.9, 2), (4.0, 4), (4.5, 5), (100.0, 5)]
)
def test_a_level_begins_where_it_fits_into_the_seconds_as_the_last_one_did(seconds: float, levels: int) -> None:
    # Dense, level 1 and level 2 take a second each, the others half of one.
    assert spending(Purse(9, seconds), [1.0, 1.0, 1.0, 0.5, 0.5, 0.5])[-1] == levels


def test_seconds_of_tries_count_and_those_of_a_parent_do_not() -> None:
    way, purse = through(range(4)), Purse(9, 3.0)
    walked = [Walked(0, 0.9, 1.0), Walked(1, 0.9, 1.0)]
    assert purse.empty_after(walked) is None
    assert purse.empty_after([walked[0]._replace(tries=0.5), walked[1]]) == "seconds"
    assert purse.empty_after([Walked(0, 0.9, 0.0, inherited=True), Walked(1, 0.9, 0.0, inherited=True)]) is None
    assert paid_by(Purse(1), way)([*walked[:1], Walked(1, 0.9, inherited=True)]) == Cut(2, after=1)


def test_a_level_that_would_leave_a_layer_nothing_costs_nothing() -> None:
    assert Purse(2).empty_after([Walked(0, 0.9), Walked(1, 0.9), Walked(4, COLLAPSED)]) is None

"""ticketing.ladder.schedule: exact counts on every machine, to the entry."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ticketing.errors import CountError
from ticketing.ladder.schedule import kept_at, ladder, ladders, round_half_up

LENET = {"fc1": 235_200, "fc2": 30_000, "fc3": 1_000}
LENET_RATES = {"fc1": 0.2, "fc2": 0.2, "fc3": 0.1}
rates = st.decimals("0.01", "0.95", places=2).map(float)


@pytest.mark.parametrize(
    ("level", "kept"),
    [(0, 266_200), (3, 136_511), (7, 56_094), (9, 35_981), (15, 9_537), (18, 4_928), (20, 3_180), (24, 1_333)],
)
def test_lenet_keeps_the_published_counts(level: int, kept: int) -> None:
    assert sum(ladders(LENET, LENET_RATES, levels=24)[level].values()) == kept


def test_a_half_is_rounded_up_and_a_decimal_rate_is_that_decimal() -> None:
    assert [round_half_up(Fraction(value, 2)) for value in (1, 3, 4)] == [1, 2, 2]
    assert ladder(5, 0.1, 1) == [5, 5]  # 4.5, which binary 0.1 would make 4.4999..
    assert ladder(10, 0.2, 3) == [10, 8, 6, 5]


@given(n=st.integers(0, 10**6), rate=rates, levels=st.integers(0, 30))
def test_a_ladder_never_rises_and_each_level_is_within_half_an_entry_of_its_share(
    n: int, rate: float, levels: int
) -> None:
    kept = ladder(n, rate, levels)
    assert len(kept) == levels + 1
    for before, after in itertools.pairwise(kept):
        assert after <= before
        assert abs(after - before * (1 - Fraction(str(rate)))) <= Fraction(1, 2)


@given(
    sizes=st.lists(st.integers(20, 50_000), min_size=1, max_size=6),
    rate=rates,
    own_rate=rates,
    sparsity=st.decimals("0.01", "0.99", places=3).map(float),
)
def test_a_target_is_met_to_the_entry_and_no_group_gets_entries_back(
    sizes: list[int], rate: float, own_rate: float, sparsity: float
) -> None:
    groups = {f"g{index}": size for index, size in enumerate(sizes)}
    wanted = kept_at(sum(sizes), sparsity)
    shares = dict.fromkeys(groups, rate) | {"g0": own_rate}
    try:
        rows = ladders(groups, shares, sparsity=sparsity)
    except CountError:
        assume(False)
    assert sum(rows[-1].values()) == wanted
    assert all(row[group] <= before[group] for before, row in itertools.pairwise(rows) for group in groups)
    assert rows == [groups] or rows[:-1] == ladders(groups, shares, levels=len(rows) - 2)


def test_a_last_partial_level_removes_from_every_group_its_share_of_a_whole_one() -> None:
    rows = ladders({"a": 100, "b": 50}, {"a": 0.2, "b": 0.2}, sparsity=0.1)
    assert rows == [{"a": 100, "b": 50}, {"a": 90, "b": 45}]


def test_among_equal_remainders_the_earlier_group_keeps_the_entry() -> None:
    assert ladders({"a": 10, "b": 10}, {"a": 0.2, "b": 0.2}, sparsity=0.05)[-1] == {"a": 10, "b": 9}


def test_a_target_the_rates_never_reach_is_refused_with_the_counts() -> None:
    with pytest.raises(CountError, match=r"stop removing at 5 kept entries, before the 1"):
        ladders({"a": 8}, {"a": 0.1}, sparsity=0.9)


@pytest.mark.parametrize(("n", "rate", "levels"), [(-1, 0.2, 1), (5, 1.0, 1), (5, -0.1, 1), (5, 0.2, -1)])
def test_a_ladder_out_of_range_is_refused(n: int, rate: float, levels: int) -> None:
    with pytest.raises(CountError, match="expected"):
        ladder(n, rate, levels)


def test_levels_and_a_sparsity_together_are_refused() -> None:
    with pytest.raises(CountError, match="both or neither"):
        ladders({"a": 8}, {"a": 0.1}, levels=2, sparsity=0.5)

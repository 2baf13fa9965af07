"""ticketing.ladder.erk: densities as the paper has them, exact totals, and no parameter that grows again."""

from fractions import Fraction
from itertools import pairwise
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.errors import CountError
from ticketing.ladder.erk import erk_ladder, share_out
from ticketing.ladder.schedule import ladder

LENET = {"fc1": (300, 784), "fc2": (100, 300), "fc3": (10, 100)}
CONVOLUTIONS = {"c1": (16, 3, 3, 3), "c2": (64, 16, 3, 3), "c3": (64, 64, 1, 1), "out": (10, 64)}


def sizes(shapes: dict[str, tuple[int, ...]]) -> dict[str, int]:
    return {name: prod(shape) for name, shape in shapes.items()}


def test_lenet_by_hand() -> None:
    # Sums of dimensions 1084, 400, 110: fc3 would take 110 e > 1000, so it is full and the others share 25,620.
    kept = share_out(26_620, sizes(LENET), LENET)
    assert kept == {"fc1": 18_714, "fc2": 6_906, "fc3": 1_000}
    assert (round(25_620 * 1084 / 1484), round(25_620 * 400 / 1484)) == (18_714, 6_906)


def test_a_density_is_one_minus_the_papers_sparsity() -> None:
    keep = 4_000
    kept = share_out(keep, sizes(CONVOLUTIONS), CONVOLUTIONS)
    per_unit = [Fraction(kept[name]) / sum(shape) for name, shape in CONVOLUTIONS.items() if kept[name] < prod(shape)]
    # Up to one entry of rounding, the same e for all that are not full.
    assert max(per_unit) - min(per_unit) < Fraction(2, 29)
    densities = {name: kept[name] / prod(shape) for name, shape in CONVOLUTIONS.items()}
    assert densities["c2"] < densities["c3"] < densities["c1"] <= 1


shapes_drawn = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple), min_size=1, max_size=6).map(
    lambda drawn: {f"w{i}": shape for i, shape in enumerate(drawn)}
)


@given(shapes_drawn, st.floats(0.01, 0.95), st.integers(1, 12))
def test_every_level_has_the_total_of_the_global_ladder_and_no_parameter_grows_again(
    shapes: dict[str, tuple[int, ...]], rate: float, levels: int
) -> None:
    rows = erk_ladder(sizes(shapes), shapes, rate=rate, levels=levels)
    assert [sum(row.values()) for row in rows] == ladder(sum(sizes(shapes).values()), rate, levels)
    for before, after in pairwise(rows):
        assert all(0 <= after[name] <= before[name] for name in shapes)


@given(shapes_drawn, st.data())
def test_shares_are_within_one_entry_of_proportional_and_exact_in_sum(
    shapes: dict[str, tuple[int, ...]], data: st.DataObject
) -> None:
    caps = {name: data.draw(st.integers(0, prod(shape))) for name, shape in shapes.items()}
    keep = data.draw(st.integers(0, sum(caps.values())))
    kept = share_out(keep, caps, shapes)
    assert sum(kept.values()) == keep
    assert all(0 <= kept[name] <= caps[name] for name in shapes)
    # Nobody has more per unit than one who could take more, but for the entry that rounding gives or takes.
    below = [Fraction(kept[name] + 1, sum(shapes[name])) for name in shapes if kept[name] < caps[name]]
    assert all(Fraction(kept[name] - 1, sum(shapes[name])) <= low for low in below for name in shapes)


def test_exempt_parameters_keep_everything_and_are_counted_in_no_total() -> None:
    rows = erk_ladder(sizes(LENET), LENET, rate=0.2, levels=2, exempt=frozenset({"fc3"}))
    assert [row["fc3"] for row in rows] == [1_000] * 3
    assert [row["fc1"] + row["fc2"] for row in rows] == ladder(265_200, 0.2, 2)


def test_a_sparsity_is_met_to_the_entry_over_all() -> None:
    rows = erk_ladder(sizes(LENET), LENET, rate=0.2, sparsity=0.9, exempt=frozenset({"fc3"}))
    assert sum(rows[-1].values()) == 26_620


@pytest.mark.parametrize("keep", [-1, 266_201])
def test_more_than_there_is_and_less_than_nothing_are_refused(keep: int) -> None:
    with pytest.raises(CountError, match=str(keep)):
        share_out(keep, sizes(LENET), LENET)

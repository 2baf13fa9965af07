"""ticketing.report.axes: ticks enclose, equal shares lie at equal distances."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ticketing.report.axes import along_log_density, percent, round_ticks


@given(low=st.floats(0, 1), span=st.floats(0, 1))
def test_ticks_enclose_what_is_drawn_at_equal_distances(low: float, span: float) -> None:
    high = min(1.0, low + span)
    ticks = round_ticks(low, high)
    assert 3 <= len(ticks) <= 8
    assert ticks[0] <= low + 1e-9
    assert high - 1e-9 <= ticks[-1] <= 1 + 1e-9
    assert max(b - a for a, b in itertools.pairwise(ticks)) - (ticks[1] - ticks[0]) < 1e-9


def test_levels_that_remove_equal_shares_stand_at_equal_distances() -> None:
    x_of = along_log_density(1 - 0.8**4)
    places = [x_of(1 - 0.8**level) for level in range(5)]
    assert [round(b - a, 6) for a, b in itertools.pairwise(places)] == [round(places[1] - places[0], 6)] * 4


def test_a_tick_has_the_decimals_it_needs() -> None:
    assert [percent(0.5, 0.1), percent(0.955, 0.005)] == ["50 %", "95.5 %"]

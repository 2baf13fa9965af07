"""ticketing.plans.widths: parameters are counted, the default grid surrounds the threshold, a peak is an inner one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.plans.widths import parameters_of, peak_of, starts_reused, threshold_width, widths_around

MNIST = {"inputs": 784, "classes": 10}


def test_mnist_has_795_parameters_a_unit_and_ten() -> None:
    assert [parameters_of(width, **MNIST) for width in (1, 50, 100)] == [805, 39_760, 79_510]
    assert threshold_width(40_000, **MNIST) == pytest.approx(50.3, abs=0.01)


def test_six_widths_of_the_default_grid_are_within_a_quarter_of_the_threshold() -> None:
    widths = widths_around(40_000, **MNIST)
    near = [width for width in widths if abs(parameters_of(width, **MNIST) / 40_000 - 1) <= 0.25]
    assert len(near) == 6
    # A sixteenth to sixteen times the 50.3 on the threshold; 0.8 to 1.2 times it at equal ratios.
    assert widths == (3, 6, 13, 25, 40, 44, 47, 51, 56, 60, 101, 201, 402, 805)
    assert near[2] < threshold_width(40_000, **MNIST) < near[3]


@given(st.integers(20, 10**6), st.integers(1, 3000), st.integers(2, 100))
def test_every_default_grid_ascends_and_has_each_width_once(targets: int, inputs: int, classes: int) -> None:
    widths = widths_around(max(targets, 2 * classes), inputs=inputs, classes=classes)
    assert list(widths) == sorted(set(widths))
    assert widths[0] >= 1


def test_weights_are_reused_below_the_threshold_alone_and_never_by_the_first() -> None:
    asked = {"targets": 40_000, **MNIST}
    assert starts_reused((10, 40, 50, 51, 100), **asked, reuse=True) == (False, True, True, False, False)
    assert not any(starts_reused((10, 40, 50), **asked, reuse=False))
    on_it = parameters_of(50, **MNIST)
    assert starts_reused((10, 50), targets=on_it, **MNIST, reuse=True) == (False, False)
    assert starts_reused((10, 50), targets=on_it + 1, **MNIST, reuse=True) == (False, True)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5.0, 3.0, 2.0, 4.0, 1.0], (3, 2.0)),
        ([5.0, 3.0, 2.0, 1.0], None),
        ([1.0, 2.0, 3.0], None),
        ([1.0, 1.0, 1.0], None),
        ([3.0, 1.0, 2.0, 1.5, 9.0, 2.0, 3.0], (4, 7.0)),
        ([1.0, 2.0], None),
        ([0.0, 1.0, 0.0, 1.0, 0.0], (1, 1.0)),
    ],
)
def test_a_peak_stands_above_the_lowest_value_on_both_sides(
    values: list[float], expected: tuple[int, float] | None
) -> None:
    assert peak_of(values) == expected


@given(st.lists(st.floats(0, 10), max_size=20))
def test_a_peak_is_higher_than_some_value_on_either_side(values: list[float]) -> None:
    found = peak_of(values)
    if found is not None:
        index, prominence = found
        assert prominence > 0
        assert min(values[:index]) < values[index]
        assert min(values[index + 1 :]) < values[index]
    else:
        assert not any(min(values[:i]) < values[i] > min(values[i + 1 :]) for i in range(1, len(values) - 1))

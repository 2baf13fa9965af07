"""ticketing.certificate.intervals: printed quantiles, intervals that move with the data, the bootstrap as defined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ticketing.certificate.intervals import bootstrap_interval, student_interval, t_quantile


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (5, 2.5706), (9, 2.2622), (10, 2.2281), (29, 2.0452)],
)
def test_quantiles_are_those_of_the_printed_table(degrees: int, expected: float) -> None:
    assert t_quantile(degrees) == pytest.approx(expected, abs=5e-5)


def test_the_interval_of_the_design_page_comes_out() -> None:
    low, high = student_interval([0.71, 0.88, 0.62])
    assert (low + high) / 2 == pytest.approx(0.737, abs=5e-4)
    assert (high - low) / 2 == pytest.approx(0.328, abs=5e-4)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=6), st.floats(-1, 1))
def test_the_interval_moves_with_the_differences(differences: list[float], shift: float) -> None:
    low, high = student_interval(differences)
    moved = student_interval([d + shift for d in differences])
    assert moved == pytest.approx((low + shift, high + shift), abs=1e-9)


def _slow_bootstrap(signed: NDArray[np.int8], draws: int) -> tuple[float, float]:
    """The definition, draw by draw."""
    random = np.random.default_rng(1)
    n, examples = signed.shape[:2]
    means = [
        signed[random.integers(n, size=n)][:, random.integers(examples, size=examples)].mean() for _ in range(draws)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def test_drawing_columns_by_kind_is_drawing_examples() -> None:
    random = np.random.default_rng(0)
    signed = random.choice(np.array([-1, 0, 1], dtype=np.int8), size=(4, 200), p=[0.1, 0.6, 0.3])
    # Two samples of the same distribution: their 2.5 % quantiles agree to a few thousandths.
    assert bootstrap_interval(signed, seed=0) == pytest.approx(_slow_bootstrap(signed, 4000), abs=0.01)


def _text(windows: int, tokens: int) -> NDArray[np.int8]:
    """Differences that agree within a window: as far from independent tokens as they can be."""
    random = np.random.default_rng(0)
    per_window = random.choice(np.array([-1, 0, 1], dtype=np.int8), size=(4, windows, 1), p=[0.1, 0.6, 0.3])
    return np.broadcast_to(per_window, (4, windows, tokens)).copy()


def test_windows_are_drawn_as_wholes() -> None:
    signed = _text(200, 50)
    assert bootstrap_interval(signed, seed=0) == pytest.approx(_slow_bootstrap(signed, 4000), abs=0.01)
    # Tokens that all say what their window says tell no more than it does.
    assert bootstrap_interval(signed, seed=0) == pytest.approx(bootstrap_interval(signed[:, :, 0], seed=0), abs=0.01)
    low, high = bootstrap_interval(signed.reshape(4, -1), seed=0)
    wide_low, wide_high = bootstrap_interval(signed, seed=0)
    assert high - low < 0.9 * (wide_high - wide_low)


def test_a_window_of_one_token_is_an_example() -> None:
    signed = np.random.default_rng(0).choice(np.array([-1, 0, 1], dtype=np.int8), size=(4, 300))
    assert bootstrap_interval(signed[:, :, None], seed=0) == pytest.approx(bootstrap_interval(signed, seed=0), abs=0.01)


def test_the_bootstrap_is_seeded() -> None:
    signed = np.random.default_rng(0).integers(-1, 2, size=(3, 997), dtype=np.int8)
    assert bootstrap_interval(signed, seed=5) == bootstrap_interval(signed, seed=5)
    assert bootstrap_interval(signed, seed=5) != bootstrap_interval(signed, seed=6)


def test_more_confidence_is_wider() -> None:
    signed = np.random.default_rng(0).integers(-1, 2, size=(5, 300), dtype=np.int8)
    for one, other in [(0.9, 0.95), (0.95, 0.99)]:
        narrow, wide = (bootstrap_interval(signed, seed=0, confidence=c) for c in (one, other))
        assert wide[0] < narrow[0] < narrow[1] < wide[1]
        narrow, wide = (student_interval([0.1, 0.3, 0.2], c) for c in (one, other))
        assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_there_may_be_more_replicates_than_a_number_has_digits() -> None:
    signed = np.random.default_rng(0).integers(-1, 2, size=(60, 50), dtype=np.int8)
    low, high = bootstrap_interval(signed, seed=0, draws=500)
    assert low < signed.mean() < high

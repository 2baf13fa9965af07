"""ticketing.certificate: known intervals, outcomes at their boundaries, and never a verdict on fewer than three."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ticketing.certificate import (
    Correct,
    bootstrap_interval,
    certify,
    compare,
    geometric_mean,
    student_interval,
    t_quantile,
)


def answers(counts: Sequence[int], of: int = 1000) -> Correct:
    """One row per count: so many of the first examples right."""
    return np.array([[example < count for example in range(of)] for count in counts])


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


def test_every_token_counts_in_the_differences_and_the_resolution() -> None:
    ticket, other = np.zeros((3, 5, 8), dtype=bool), np.zeros((3, 5, 8), dtype=bool)
    ticket[:, 0, :4] = True
    judged = certify(ticket, other, {}, tolerance=0.01, seed=0)
    assert (judged.dense.differences, judged.resolution) == ((0.1, 0.1, 0.1), 1 / 40)


def test_the_bootstrap_is_seeded() -> None:
    signed = np.random.default_rng(0).integers(-1, 2, size=(3, 997), dtype=np.int8)
    assert bootstrap_interval(signed, seed=5) == bootstrap_interval(signed, seed=5)
    assert bootstrap_interval(signed, seed=5) != bootstrap_interval(signed, seed=6)


def test_differences_are_ticket_minus_other_per_replicate() -> None:
    assert compare(answers([900, 880]), answers([890, 890]), seed=0).differences == pytest.approx((0.01, -0.01))


def test_other_replicates_or_examples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 1000\) and \(3, 1000\)"):
        compare(answers([1, 2]), answers([1, 2, 3]), seed=0)


@pytest.mark.parametrize(
    ("ticket", "outcome"),
    [((910, 911, 909), "matches"), ((800, 801, 799), "loses"), ((890, 900, 893), "inconclusive")],
)
def test_a_ticket_matches_loses_or_is_undecided_against_dense(ticket: tuple[int, ...], outcome: str) -> None:
    assert compare(answers(ticket), answers([900] * 3), seed=0, tolerance=0.005).outcome == outcome


def test_a_bound_counts_only_if_both_intervals_agree() -> None:
    # Each replicate gains exactly 4 of 1,000: no spread for Student t, but the examples alone could turn it.
    found = compare(answers([904] * 3), answers([900] * 3), seed=0)
    assert found.interval is not None
    assert found.bootstrap is not None
    assert found.interval[0] > found.bootstrap[0]
    assert found.lower == found.bootstrap[0]


def test_winning_is_matching_dense_and_beating_every_control() -> None:
    ticket, controls = answers([950] * 3), {"reinit": answers([900] * 3), "shuffle": answers([890] * 3)}
    found = certify(ticket, answers([950] * 3), controls, tolerance=0.005, seed=0)
    assert (found.verdict, found.not_beaten) == ("winning", ())


def test_a_control_that_is_not_beaten_makes_it_matching_and_is_named() -> None:
    ticket, controls = answers([950] * 3), {"reinit": answers([950] * 3), "shuffle": answers([890] * 3)}
    found = certify(ticket, answers([950] * 3), controls, tolerance=0.005, seed=0)
    assert (found.verdict, found.not_beaten) == ("matching", ("reinit",))


def test_without_a_control_nothing_is_won() -> None:
    found = certify(answers([950] * 3), answers([900] * 3), {}, tolerance=0.005, seed=0)
    assert found.verdict == "matching"


def test_losing_against_dense_outweighs_beaten_controls() -> None:
    found = certify(answers([800] * 3), answers([900] * 3), {"reinit": answers([100] * 3)}, tolerance=0.005, seed=0)
    assert found.verdict == "losing"


@given(st.lists(st.integers(0, 50), min_size=1, max_size=2), st.integers(0, 50), st.integers(0, 50))
def test_fewer_than_three_replicates_prove_nothing(ticket: list[int], dense: int, control: int) -> None:
    n = len(ticket)
    found = certify(
        answers(ticket, 50), answers([dense] * n, 50), {"reinit": answers([control] * n, 50)}, tolerance=0.1, seed=0
    )
    assert found.verdict == found.dense.outcome == found.controls["reinit"].outcome == "inconclusive"


def test_one_replicate_has_no_interval() -> None:
    found = compare(answers([10]), answers([20]), seed=0)
    assert found.interval is found.bootstrap is None


def test_the_resolution_is_one_example() -> None:
    assert certify(answers([1], 360), answers([1], 360), {}, tolerance=0.005, seed=0).resolution == 1 / 360


def test_twice_and_half_average_to_one() -> None:
    assert geometric_mean([2.0, 0.5]) == pytest.approx(1.0)

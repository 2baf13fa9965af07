"""ticketing.ladder.regime: decided by train error alone, at exactly 0.1 %; one threshold, two critical levels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.ladder.regime import INTERPOLATING_ERROR, Regime, parameters_per_target, regimes

I: Regime = "interpolating"  # noqa: E741 - as the tables below read
CRITICAL: Regime = "critical"
CLASSICAL: Regime = "classical"
ERRORS = st.lists(st.sampled_from([0.0, 0.0005, 0.001, 0.0011, 0.02, 0.5]), max_size=30)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([0.0, 0.001, 0.0, 0.004, 0.02, 0.1, 0.3], [I, I, I, CRITICAL, CRITICAL, CLASSICAL, CLASSICAL]),
        ([0.0, 0.0, 0.0], [I, I, I]),
        ([0.02, 0.03, 0.2], [CLASSICAL, CLASSICAL, CLASSICAL]),
        ([0.0, 0.0011], [I, CRITICAL]),
        # The error is no monotone function of sparsity: what comes back to 0.1 % interpolates again.
        ([0.0, 0.002, 0.0009, 0.004, 0.02], [I, CRITICAL, I, CRITICAL, CLASSICAL]),
        ([0.005, 0.0, 0.0, 0.01, 0.02, 0.05], [CLASSICAL, I, I, CRITICAL, CRITICAL, CLASSICAL]),
        ([], []),
    ],
)
def test_ladders_that_one_can_check_by_eye(errors: list[float], expected: list[Regime]) -> None:
    assert list(regimes(errors)) == expected


@given(ERRORS)
def test_a_level_interpolates_if_and_only_if_its_own_error_says_so(errors: list[float]) -> None:
    found = [regime == I for regime in regimes(errors)]
    assert found == [error <= INTERPOLATING_ERROR for error in errors]


@given(ERRORS)
def test_at_most_two_levels_are_critical_and_none_before_one_that_interpolates(errors: list[float]) -> None:
    found = regimes(errors)
    assert found.count(CRITICAL) <= 2
    if CRITICAL in found:
        assert I in found[: found.index(CRITICAL)]
        assert CLASSICAL not in found[found.index(I) : found.index(CRITICAL)]


@given(ERRORS, ERRORS)
def test_what_comes_later_changes_no_earlier_level(errors: list[float], later: list[float]) -> None:
    assert regimes([*errors, *later])[: len(errors)] == regimes(errors)


def test_lenet_on_mnist_has_half_a_parameter_for_every_target() -> None:
    assert parameters_per_target(266_610, examples=55_000, classes=10) == pytest.approx(0.4847, abs=1e-4)

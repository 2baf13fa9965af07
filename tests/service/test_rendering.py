"""service.rendering: figures as people read them."""

import pytest

from service.rendering import duration, filesize, flops, moment, points, share


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00 %"), (0.9, "90.00 %"), (0.98806, "98.81 %"), (0.99995, "99.9950 %"), (1.0, "100.00 %")],
)
def test_a_share_never_rounds_up_to_all_of_it(value: float, text: str) -> None:
    assert share(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0031, "+0.31 pt"), (-0.0125, "\N{MINUS SIGN}1.25 pt"), (0.0, "+0.00 pt")]
)
def test_a_difference_carries_its_sign(value: float, text: str) -> None:
    assert points(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 B"), (999, "999 B"), (1065, "1.1 kB"), (106480, "106 kB"), (5_950_000, "6.0 MB")]
)
def test_a_size_has_a_unit(value: int, text: str) -> None:
    assert filesize(value) == text


@pytest.mark.parametrize(("value", "text"), [(59.4, "59 s"), (61, "1 min 1 s"), (3660, "1 h 1 min"), (-1, "0 s")])
def test_a_duration_has_at_most_two_units(value: float, text: str) -> None:
    assert duration(value) == text


def test_a_time_is_told_in_utc() -> None:
    assert moment("2026-01-31T12:00:00.250Z") == "31 Jan 2026, 12:00 UTC"


def test_operations_are_counted_in_their_prefix() -> None:
    assert flops(5.12e12) == "5.12 TFLOP"

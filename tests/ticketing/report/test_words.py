"""ticketing.report.words: numbers are written so that they can be read."""

import pytest

from ticketing.report.words import interval, number, points


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (266_200, "266\N{NARROW NO-BREAK SPACE}200"),
        (7.0, "7"),
        (0.123456, "0.1235"),
        (None, "\N{EN DASH}"),
        (True, "yes"),
        ("bf16", "bf16"),
    ],
)
def test_a_value_is_written_for_a_table(value: object, written: str) -> None:
    assert number(value) == written


def test_differences_are_points_with_a_sign() -> None:
    assert [points(0.0123), points(-0.005)] == ["+1.23", "\N{MINUS SIGN}0.50"]
    assert interval((-0.01, 0.02)) == "\N{MINUS SIGN}1.00 to +2.00"
    assert interval(None) == "\N{EN DASH}"

"""winnow.retries: pauses grow, stay bounded, and obey what the service asked for."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.retries import Patience, asked_seconds

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@given(failed=st.integers(1, 60), chance=st.floats(0, 1, exclude_max=True))
def test_a_pause_never_exceeds_the_longest(failed: int, chance: float) -> None:
    assert 0 <= Patience(longest_seconds=8).pause_seconds(failed, chance=lambda: chance) <= 8


def test_pauses_double_until_the_longest() -> None:
    patience = Patience(first_seconds=1, longest_seconds=5)
    assert [patience.pause_seconds(n, chance=lambda: 1.0) for n in (1, 2, 3, 4)] == [1, 2, 4, 5]


@given(asked=st.floats(0, 60), chance=st.floats(0, 1, exclude_max=True))
def test_what_the_service_asks_for_is_waited_in_full(asked: float, chance: float) -> None:
    assert asked <= Patience().pause_seconds(1, asked_seconds=asked, chance=lambda: chance) <= asked * 1.25


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert asked_seconds(header, now=NOW) == seconds

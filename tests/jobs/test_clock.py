"""jobs.clock: the database's clock is the real one, and times are shown as RFC 3339."""

import time

import pytest

from jobs.clock import now, rfc3339
from jobs.database import Database


def test_the_database_knows_what_time_it_is_to_the_millisecond(db: Database) -> None:
    with db.read() as conn:
        before, told, after = time.time(), now(conn), time.time()
    assert before - 0.002 <= told <= after + 0.002


def test_its_clock_goes_on_within_a_transaction(db: Database) -> None:
    with db.write() as conn:
        first = now(conn)
        deadline = time.monotonic() + 5
        while now(conn) == first:
            assert time.monotonic() < deadline, "the clock stands still"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "1970-01-01T00:00:00.000Z"), (1_700_000_000.25, "2023-11-14T22:13:20.250Z"), (None, None)],
)
def test_a_time_is_written_in_utc(seconds: float | None, text: str | None) -> None:
    assert rfc3339(seconds) == text
